using System.Diagnostics;
using System.Globalization;
using System.Text;
using System.Threading.Channels;
using Tidemark.Testing.Peers;

namespace Tidemark.Testing.Processes;

/// <summary>One process of a test, and everything it says.</summary>
public sealed class RoleProcess : IDisposable
{
    /// <summary>How many lines are kept unless somebody wants all of them.</summary>
    private const int LinesKept = 60;
    private const string ReadyLine = "ready";
    private const string AnswerMark = "= ";

    // The event that every replicator logs first, when it already listens to signals.
    private const string BegunText = "Replicating ";

    private readonly Process _process;
    private readonly int _linesKept;
    private readonly Queue<string> _lines = new();
    private readonly Task _reading;
    private readonly Channel<string> _answers = Channel.CreateUnbounded<string>();
    private readonly TaskCompletionSource _ready = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private readonly TaskCompletionSource _begun = new(TaskCreationOptions.RunContinuationsAsynchronously);

    static RoleProcess() => InheritedSignals.Restore();

    private RoleProcess(string name, Process process, int linesKept)
    {
        (Name, _process, _linesKept) = (name, process, linesKept);
        _reading = ReadToEndAsync(process);
    }

    public string Name { get; }

    /// <summary>The program of the roles, beside the test.</summary>
    public static string RolesProgram => Path.Combine(AppContext.BaseDirectory, "Tidemark.Crash.Roles");

    /// <summary>Called with each line that it says, from another thread.</summary>
    public event Action<string>? Said;

    public int Id => _process.Id;

    public bool HasExited => _process.HasExited;

    public int ExitCode => _process.ExitCode;

    /// <summary>Starts a role of the helper program beside this test.</summary>
    public static RoleProcess StartRole(params IReadOnlyList<string> arguments) => Start(arguments[0], RolesProgram, arguments);

    /// <summary>Starts any program. It sees no configuration of the machine.</summary>
    public static RoleProcess Start(string name, string program, IReadOnlyList<string> arguments, int linesKept = LinesKept)
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (var variable in (ReadOnlySpan<string>)["TIDEMARK_CONFIG", "LITESTREAM_CONFIG", "LOG_LEVEL"])
        {
            start.Environment.Remove(variable);
        }

        return new RoleProcess(name, Process.Start(start)!, linesKept);
    }

    /// <summary>Waits until its work goes on, or it has ended, or for as long as is given.</summary>
    public Task WaitUntilReadyAsync(TimeSpan atMost, CancellationToken cancellationToken)
        => Task.WhenAny(_ready.Task, _reading, Task.Delay(atMost, TimeProvider.System, cancellationToken));

    /// <summary>Waits until it replicates, or has ended.</summary>
    public Task WaitUntilReplicatingAsync(CancellationToken cancellationToken)
        => Task.WhenAny(_begun.Task, _reading).WaitAsync(cancellationToken);

    /// <summary>True when it has said that its work goes on.</summary>
    public bool IsReady => _ready.Task.IsCompleted;

    /// <summary>Gives it a command and waits for its answer; null when it has ended instead.</summary>
    public async Task<string?> AskAsync(string command, CancellationToken cancellationToken)
    {
        try
        {
            await _process.StandardInput.WriteLineAsync(command.AsMemory(), cancellationToken);
            await _process.StandardInput.FlushAsync(cancellationToken);
        }
        catch (IOException)
        {
            // It has ended.
        }

        return await WaitForAnswerAsync(cancellationToken);
    }

    /// <summary>Waits for an answer; null when it has ended instead.</summary>
    public async Task<string?> WaitForAnswerAsync(CancellationToken cancellationToken)
        => await _answers.Reader.WaitToReadAsync(cancellationToken) && _answers.Reader.TryRead(out var answer) ? answer : null;

    /// <summary>Kills it with SIGKILL. When this returns, it is gone.</summary>
    public async Task KillAsync()
    {
        if (!_process.HasExited)
        {
            _process.Kill(entireProcessTree: true);
        }

        await _process.WaitForExitAsync(CancellationToken.None);
        await _reading;
    }

    /// <summary>Asks it to end with SIGTERM and waits for that.</summary>
    public async Task<int> StopAsync(CancellationToken cancellationToken)
    {
        using var kill = Process.Start("kill", ["-TERM", _process.Id.ToString(CultureInfo.InvariantCulture)]);
        await kill.WaitForExitAsync(cancellationToken);
        return await WaitForExitAsync(cancellationToken);
    }

    /// <summary>Waits until it ends by itself.</summary>
    public async Task<int> WaitForExitAsync(CancellationToken cancellationToken)
    {
        await _process.WaitForExitAsync(cancellationToken);
        await _reading;
        return _process.ExitCode;
    }

    /// <summary>Its last lines.</summary>
    public IReadOnlyList<string> Lines
    {
        get
        {
            lock (_lines)
            {
                return [.. _lines];
            }
        }
    }

    /// <summary>Its last lines, under its name.</summary>
    public string Words
        => new StringBuilder().Append(Name).Append(" (").Append(_process.Id).AppendLine("):").AppendJoin('\n', Lines).ToString();

    public void Dispose() => _process.Dispose();

    private async Task ReadToEndAsync(Process process)
    {
        await Task.WhenAll(ReadAsync(process.StandardOutput), ReadAsync(process.StandardError));
        _answers.Writer.Complete();
    }

    private async Task ReadAsync(StreamReader reader)
    {
        while (await reader.ReadLineAsync() is { } line)
        {
            if (line == ReadyLine)
            {
                _ready.TrySetResult();
                continue;
            }

            if (line.StartsWith(AnswerMark, StringComparison.Ordinal))
            {
                _answers.Writer.TryWrite(line[AnswerMark.Length..]);
                continue;
            }

            if (line.Contains(BegunText, StringComparison.Ordinal))
            {
                _begun.TrySetResult();
            }

            Said?.Invoke(line);
            lock (_lines)
            {
                _lines.Enqueue(line);
                if (_lines.Count > _linesKept)
                {
                    _lines.Dequeue();
                }
            }
        }
    }
}
