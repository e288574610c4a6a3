using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;

namespace Tidemark.Benchmarks.Roles;

/// <summary>A child process that plays a role.</summary>
internal sealed class RoleProcess : IDisposable
{
    private readonly Process _process;
    private readonly ConcurrentQueue<EngineEvent> _events = new();
    private readonly Task _reading;
    private long _peakBytes;

    private RoleProcess(Process process)
    {
        _process = process;
        _reading = Task.Run(Read);
    }

    /// <summary>Starts a child.</summary>
    public static RoleProcess Start(string role, params ReadOnlySpan<string> paths)
        => new(Process.Start(new ProcessStartInfo(Environment.ProcessPath!, [Role.Option, role, .. paths])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
        })!);

    /// <summary>Runs a role to its end.</summary>
    /// <returns>The most memory that it took, in bytes.</returns>
    public static long Run(string role, params ReadOnlySpan<string> paths)
    {
        using var child = Start(role, paths);
        return child.End();
    }

    /// <summary>The replicator's events so far.</summary>
    public IReadOnlyCollection<EngineEvent> Events => _events;

    /// <summary>Ends the child's input and waits for its end.</summary>
    /// <returns>The most memory that it took, in bytes.</returns>
    public long End()
    {
        _process.StandardInput.Close();
        _reading.Wait();
        _process.WaitForExit();
        return _process.ExitCode == 0 && _peakBytes > 0
            ? _peakBytes
            : throw new InvalidOperationException($"The child '{string.Join(' ', _process.StartInfo.ArgumentList)}' has failed.");
    }

    public void Dispose()
    {
        if (!_process.HasExited)
        {
            _process.Kill();
        }

        _process.Dispose();
    }

    private void Read()
    {
        while (_process.StandardOutput.ReadLine() is { } line)
        {
            if (EngineEvent.TryParse(line) is { } what)
            {
                _events.Enqueue(what);
            }
            else if (line.StartsWith(Role.PeakLabel, StringComparison.Ordinal))
            {
                _peakBytes = long.Parse(line.AsSpan(Role.PeakLabel.Length), CultureInfo.InvariantCulture);
            }
        }
    }
}
