using System.Reflection;
using System.Runtime.InteropServices;
using Tidemark.Cli.Arguments;

namespace Tidemark.Cli.Commands;

/// <summary><c>tidemark version</c>.</summary>
internal sealed class VersionCommand : Command
{
    private readonly FlagOf<bool> _isVerbose;

    /// <summary>Declares the flags.</summary>
    public VersionCommand()
        : base("version", "Prints the version of the program")
        => _isVerbose = Flags.Switch("verbose", "Print the version of .NET, the system and the processor too.");

    /// <inheritdoc/>
    public override IReadOnlyList<string> Forms => ["[-verbose]"];

    /// <summary>The version of this build.</summary>
    public static string Text { get; }
        = typeof(VersionCommand).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "unknown";

    /// <inheritdoc/>
    public override Task<int> RunAsync(IReadOnlyList<string> positionals, CommandHost host)
    {
        if (positionals.Count > 0)
        {
            throw Misuse("too many arguments");
        }

        if (!_isVerbose.Value)
        {
            host.Output.WriteLine(Text);
            return Task.FromResult(ExitCode.Done);
        }

        host.Output.WriteLine($"Version:  {Text}");
        host.Output.WriteLine($".NET:     {Environment.Version}");
        host.Output.WriteLine($"OS/Arch:  {RuntimeInformation.RuntimeIdentifier}");
        return Task.FromResult(ExitCode.Done);
    }
}
