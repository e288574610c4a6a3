using System.Collections.Concurrent;
using System.Diagnostics;

namespace Tidemark.Benchmarks.Roles;

/// <summary>A child process that plays a role.</summary>
internal sealed class RoleProcess : IDisposable
{
    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(10);

    private readonly Process _process;
    private readonly ConcurrentQueue<EngineEvent> _events = new();
    private readonly BlockingCollection<string> _answers = [];
    private readonly Task _reading;
    private RoleUsage? _usage;

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
    public static RoleUsage Run(string role, params ReadOnlySpan<string> paths)
    {
        using var child = Start(role, paths);
        return child.End();
    }

    /// <summary>The replicator's events so far.</summary>
    public IReadOnlyCollection<EngineEvent> Events => _events;

    /// <summary>Memory that it holds now, by the kernel's count (<c>VmRSS</c>).</summary>
    public long ResidentBytes => Refreshed().WorkingSet64;

    /// <summary>The most memory that it has held so far (<c>VmHWM</c>).</summary>
    public long PeakBytes => Refreshed().PeakWorkingSet64;

    /// <summary>How long processors have worked for it, in it and in the kernel.</summary>
    public TimeSpan ProcessorTime => Refreshed().TotalProcessorTime;

    /// <summary>What its open handles lead to.</summary>
    public IReadOnlyList<string> Handles
        => [.. Directory.EnumerateFileSystemEntries($"/proc/{_process.Id}/fd").Select(Target).OfType<string>()];

    /// <summary>Waits until the replicator has captured everything and every destination has it.</summary>
    public void WaitUntilSettled()
    {
        _process.StandardInput.WriteLine(Role.SettleCommand);
        if (!_answers.TryTake(out _, s_patience))
        {
            throw new InvalidOperationException($"Not everything was shipped within {s_patience.TotalSeconds} seconds.");
        }
    }

    /// <summary>Kills the child: it ends without an order.</summary>
    public void Kill()
    {
        _process.Kill();
        _process.WaitForExit();
    }

    /// <summary>Ends the child's input and waits for its end.</summary>
    public RoleUsage End()
    {
        _process.StandardInput.Close();
        _reading.Wait();
        _process.WaitForExit();
        return _process.ExitCode == 0 && _usage is { } usage
            ? usage
            : throw new InvalidOperationException($"The child '{string.Join(' ', _process.StartInfo.ArgumentList)}' has failed.");
    }

    public void Dispose()
    {
        if (!_process.HasExited)
        {
            _process.Kill();
        }

        _process.Dispose();
        _answers.Dispose();
    }

    // A handle may be closed while it is looked at.
    private static string? Target(string handle)
    {
        try
        {
            return new FileInfo(handle).LinkTarget;
        }
        catch (IOException)
        {
            return null;
        }
    }

    private Process Refreshed()
    {
        _process.Refresh();
        return _process;
    }

    private void Read()
    {
        while (_process.StandardOutput.ReadLine() is { } line)
        {
            if (EngineEvent.TryParse(line) is { } what)
            {
                _events.Enqueue(what);
            }
            else if (line == Role.SettledAnswer)
            {
                _answers.Add(line);
            }
            else if (RoleUsage.TryParse(line) is { } usage)
            {
                _usage = usage;
            }
        }
    }
}
