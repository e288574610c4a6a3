using System.Diagnostics;
using System.Text;
using Tidemark.Testing.Peers;

namespace Tidemark.Crash.Tests;

/// <summary>One process of a test, and everything it says.</summary>
internal sealed class RoleProcess : IDisposable
{
    private const int LinesKept = 60;
    private const string ReadyLine = "ready";

    // The event that every replicator logs first, when it already listens to signals.
    private const string BegunText = "Replicating ";

    private readonly Process _process;
    private readonly Queue<string> _lines = new();
    private readonly Task _reading;
    private readonly TaskCompletionSource _ready = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private readonly TaskCompletionSource _begun = new(TaskCreationOptions.RunContinuationsAsynchronously);

    static RoleProcess() => InheritedSignals.Restore();

    private RoleProcess(string name, Process process)
    {
        (Name, _process) = (name, process);
        _reading = Task.WhenAll(ReadAsync(process.StandardOutput), ReadAsync(process.StandardError));
    }

    public string Name { get; }

    /// <summary>Called with each line that it says, from another thread.</summary>
    public event Action<string>? Said;

    public bool HasExited => _process.HasExited;

    /// <summary>Starts a role of the helper program beside this test.</summary>
    public static RoleProcess StartRole(params IReadOnlyList<string> arguments)
        => Start(arguments[0], Path.Combine(AppContext.BaseDirectory, "Tidemark.Crash.Roles"), arguments);

    /// <summary>Starts any program.</summary>
    public static RoleProcess Start(string name, string program, IReadOnlyList<string> arguments)
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        return new RoleProcess(name, Process.Start(start)!);
    }

    /// <summary>Waits until its work goes on, or it has ended, or for as long as is given.</summary>
    public Task WaitUntilReadyAsync(TimeSpan atMost, CancellationToken cancellationToken)
        => Task.WhenAny(_ready.Task, _reading, Task.Delay(atMost, TimeProvider.System, cancellationToken));

    /// <summary>Waits until it replicates, or has ended.</summary>
    public Task WaitUntilReplicatingAsync(CancellationToken cancellationToken)
        => Task.WhenAny(_begun.Task, _reading).WaitAsync(cancellationToken);

    /// <summary>True when it has said that its work goes on.</summary>
    public bool IsReady => _ready.Task.IsCompleted;

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
        using var kill = Process.Start("kill", ["-TERM", _process.Id.ToString(System.Globalization.CultureInfo.InvariantCulture)]);
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

    private async Task ReadAsync(StreamReader reader)
    {
        while (await reader.ReadLineAsync() is { } line)
        {
            if (line == ReadyLine)
            {
                _ready.TrySetResult();
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
                if (_lines.Count > LinesKept)
                {
                    _lines.Dequeue();
                }
            }
        }
    }
}
