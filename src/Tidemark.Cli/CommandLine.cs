using Tidemark.Cli.Arguments;
using Tidemark.Cli.Commands;
using Tidemark.Formats;

namespace Tidemark.Cli;

/// <summary>Finds the command, runs it, and turns failures into text and an exit code.</summary>
internal static class CommandLine
{
    /// <summary>Runs one command line.</summary>
    /// <returns>The exit code.</returns>
    public static async Task<int> RunAsync(IReadOnlyList<string> arguments, CommandHost host)
    {
        try
        {
            return await DispatchAsync(arguments, host);
        }
        catch (UsageException e)
        {
            await host.Error.WriteLineAsync($"Error: {e.Message}");
            await host.Error.WriteLineAsync($"Try: {e.Example}");
            return ExitCode.Failed;
        }
        catch (TidemarkException e)
        {
            await host.Error.WriteLineAsync($"Error: {e.Message}");
            if (e.Hint is not null)
            {
                await host.Error.WriteLineAsync($"Hint: {e.Hint}");
            }

            return ExitCode.Failed;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            await host.Error.WriteLineAsync($"Error: {e.Message}");
            return ExitCode.Failed;
        }
#pragma warning disable CA1031 // The last place where a defect can still be told from a crash of something else.
        catch (Exception e)
#pragma warning restore CA1031
        {
            await host.Error.WriteLineAsync($"Error: this is a defect of Tidemark, please report it with these lines:\n{e}");
            return ExitCode.Failed;
        }
    }

    /// <summary>Every command, in the order of the help.</summary>
    internal static IReadOnlyList<Command> Commands() =>
    [
        new ReplicateCommand(),
        new RestoreCommand(),
        new LtxCommand(),
        new VerifyCommand(),
        new DemoCommand(),
        new VersionCommand(),
        new DemoWriterCommand(),
    ];

    private static async Task<int> DispatchAsync(IReadOnlyList<string> arguments, CommandHost host)
    {
        var commands = Commands();
        switch (arguments)
        {
            case []:
                HelpText.Write(host.Output, commands);
                return ExitCode.Failed;
            case ["help", var topic, ..] when Find(commands, topic) is { } command:
                HelpText.Write(host.Output, command);
                return ExitCode.Done;
            case ["help", [not '-', ..] topic, ..] when topic != "help":
                throw Unknown(commands, topic);
            case ["help" or "-h" or "-help" or "--h" or "--help", ..]:
                HelpText.Write(host.Output, commands);
                return ExitCode.Done;
            case ["-version" or "--version", ..]:
                return await new VersionCommand().RunAsync([], host);
            case [['-', ..] flag, ..]:
                throw new UsageException($"tidemark {flag}: a command must come before flags", "tidemark help");
            default:
                var name = arguments[0];
                var found = Find(commands, name) ?? throw Unknown(commands, name);
                return await RunAsync(found, [.. arguments.Skip(1)], host);
        }
    }

    private static async Task<int> RunAsync(Command command, IReadOnlyList<string> arguments, CommandHost host)
    {
        var parsed = command.Flags.Parse(arguments);
        if (parsed.IsHelp)
        {
            HelpText.Write(host.Output, command);
            return ExitCode.Done;
        }

        return await command.RunAsync(parsed.Positionals, host);
    }

    private static UsageException Unknown(IReadOnlyList<Command> commands, string name)
    {
        var nearest = NearestWord.Of(name, commands.Where(command => !command.IsHidden).Select(command => command.Name));
        return new UsageException($"tidemark {name}: unknown command{(nearest is null ? "" : $"; {nearest} is one")}", "tidemark help");
    }

    private static Command? Find(IReadOnlyList<Command> commands, string name) => commands.FirstOrDefault(command => command.Name == name);
}
