using System.Diagnostics;
using System.Text;
using Tidemark.Cli.Processes;
using Tidemark.Testing.Peers;

namespace Tidemark.Cli.Tests.Programs;

/// <summary>
/// The real program in a process of its own: the one that TIDEMARK_PROGRAM names, or else what was built beside the tests. It sees no
/// configuration of
/// the machine. A test that ends early ends it too.
/// </summary>
public sealed class RunningProgram : IAsyncDisposable
{
    private readonly Process _process;
    private readonly StringBuilder _output = new();
    private readonly Task<string> _error;

    static RunningProgram() => InheritedSignals.Restore();

    private RunningProgram(Process process)
    {
        _process = process;
        _error = process.StandardError.ReadToEndAsync();
    }

    /// <summary>The program.</summary>
    public static string ProgramPath => Environment.GetEnvironmentVariable("TIDEMARK_PROGRAM") is { Length: > 0 } program
        ? program
        : Path.Combine(AppContext.BaseDirectory, "tidemark");

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    /// <summary>Starts the program.</summary>
    public static RunningProgram Start(params IReadOnlyList<string> arguments) => Start(new Dictionary<string, string>(), arguments);

    /// <summary>Starts the program with variables in its environment.</summary>
    public static RunningProgram Start(IReadOnlyDictionary<string, string> variables, IReadOnlyList<string> arguments)
        => Start(variables, ProgramPath, arguments);

    /// <summary>Starts the program from a shell.</summary>
    /// <param name="command">What the shell runs; <c>"$@"</c> stands for the program with its arguments.</param>
    /// <param name="arguments">For the program.</param>
    public static RunningProgram StartInShell(string command, params IReadOnlyList<string> arguments)
        => Start(new Dictionary<string, string>(), "/bin/sh", ["-c", command, "sh", ProgramPath, .. arguments]);

    /// <summary>Runs the program from a shell to its end; see <see cref="StartInShell"/>.</summary>
    public static async Task<ProgramResult> RunInShellAsync(string command, params IReadOnlyList<string> arguments)
    {
        await using var running = StartInShell(command, arguments);
        return await running.WaitAsync();
    }

    private static RunningProgram Start(IReadOnlyDictionary<string, string> variables, string program, IReadOnlyList<string> arguments)
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
        };
        foreach (var name in (ReadOnlySpan<string>)["TIDEMARK_CONFIG", "LITESTREAM_CONFIG", "LOG_LEVEL"])
        {
            start.Environment.Remove(name);
        }

        foreach (var (name, value) in variables)
        {
            start.Environment[name] = value;
        }

        return new RunningProgram(Process.Start(start)!);
    }

    /// <summary>Runs the program to its end.</summary>
    public static Task<ProgramResult> RunAsync(params IReadOnlyList<string> arguments)
        => RunAsync(new Dictionary<string, string>(), arguments);

    /// <summary>Runs the program to its end with variables in its environment.</summary>
    public static async Task<ProgramResult> RunAsync(IReadOnlyDictionary<string, string> variables, IReadOnlyList<string> arguments)
    {
        await using var running = Start(variables, arguments);
        return await running.WaitAsync();
    }

    /// <summary>Waits for a line of standard output that holds one of some texts, and returns the line.</summary>
    public async Task<string> WaitForLineAsync(params IReadOnlyList<string> parts)
    {
        while (await _process.StandardOutput.ReadLineAsync(Token) is { } line)
        {
            _output.Append(line).Append('\n');
            if (parts.Any(part => line.Contains(part, StringComparison.Ordinal)))
            {
                return line;
            }
        }

        Assert.Fail($"The program ended without a line with \"{string.Join("\" or \"", parts)}\".\n{_output}\n{await _error}");
        return "";
    }

    /// <summary>Sends a signal by its number.</summary>
    public void Signal(int number) => Signals.Send(_process.Id, number);

    /// <summary>Sends a signal again and again until the program ends.</summary>
    public async Task SignalUntilEndAsync(int number)
    {
        var end = _process.WaitForExitAsync(Token);
        do
        {
            Signal(number);
        }
        while (await Task.WhenAny(end, Task.Delay(TimeSpan.FromMilliseconds(100), TimeProvider.System, Token)) != end);
        await end;
    }

    /// <summary>Kills the program, and nothing that it has started, and waits until it is gone.</summary>
    public async Task KillAsync()
    {
        _process.Kill();
        await _process.WaitForExitAsync(Token);
    }

    /// <summary>Waits for the end.</summary>
    public async Task<ProgramResult> WaitAsync()
    {
        _output.Append(await _process.StandardOutput.ReadToEndAsync(Token));
        await _process.WaitForExitAsync(Token);
        return new ProgramResult(_process.ExitCode, _output.ToString(), await _error);
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            _process.Kill(entireProcessTree: true);
            await _process.WaitForExitAsync(CancellationToken.None);
        }

        _process.Dispose();
    }
}
