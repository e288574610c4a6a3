using System.ComponentModel;
using System.Diagnostics;
using System.Runtime.InteropServices;
using Tidemark.Formats;

namespace Tidemark.Cli.Processes;

/// <summary>The command of <c>-exec</c>. It shares the terminal or pipes of this process, and gets every signal that this process
/// gets.</summary>
internal sealed class ChildProcess : IDisposable
{
    /// <summary>How long a child has to end once it was told that what it was started beside has failed.</summary>
    public static readonly TimeSpan Grace = TimeSpan.FromSeconds(10);

    /// <summary>How long a child has after the second SIGTERM. Less than <see cref="ForcedEnd.Grace"/>.</summary>
    public static readonly TimeSpan InsistedGrace = TimeSpan.FromSeconds(2);

    private const int NumberOfSigterm = 15;
    private readonly Lock _gate = new();
    private readonly Process _process;
    private readonly List<PosixSignalRegistration> _registrations = [];
    private bool _isStarted;

    private ChildProcess(ProcessStartInfo start)
    {
        _process = new Process { StartInfo = start };
        foreach (var signal in Signals.Forwarded)
        {
            _registrations.Add(PosixSignalRegistration.Create(signal, Forward));
        }

        Signals.HandleBrokenPipe();
    }

    /// <summary>The number of the process.</summary>
    public int Id => _process.Id;

    /// <summary>Whether the child was sent a signal that this process got.</summary>
    public bool HasGotSignal { get; private set; }

    /// <summary>Starts a command. Signals that come meanwhile go to it as soon as it is there.</summary>
    /// <param name="words">The program, looked for in PATH, and its arguments.</param>
    /// <exception cref="TidemarkException">The program cannot be started.</exception>
    public static ChildProcess Start(IReadOnlyList<string> words)
    {
        if (Directory.Exists(words[0]))
        {
            throw new TidemarkException(
                $"cannot start exec command {words[0]}: it is a folder", "Name a program. The whole command is one argument, in quotes.");
        }

        // Nothing is redirected, so the child inherits the three streams.
        var child = new ChildProcess(new ProcessStartInfo(words[0], words.Skip(1)) { UseShellExecute = false });
        try
        {
            lock (child._gate)
            {
                child._isStarted = child._process.Start();
            }

            return child;
        }
        catch (Win32Exception e)
        {
            child.Dispose();
            throw new TidemarkException($"cannot start exec command {words[0]}: {new Win32Exception(e.NativeErrorCode).Message}",
                "Check the spelling, and that the program is in PATH.", e);
        }
    }

    /// <summary>Waits for the end of the child.</summary>
    /// <returns>Its exit code; 128 and the number of the signal when one ended it.</returns>
    public async Task<int> WaitAsync()
    {
        await _process.WaitForExitAsync();
        return _process.ExitCode;
    }

    /// <summary>Asks the child to end.</summary>
    public void Terminate()
    {
        if (OperatingSystem.IsWindows())
        {
            _process.Kill(entireProcessTree: true);
        }
        else if (!_process.HasExited)
        {
            Signals.Send(_process.Id, NumberOfSigterm);
        }
    }

    /// <summary>Asks the child to end, and kills it and what it has started when it has not ended after some time.</summary>
    public Task StopAsync(TimeSpan grace, TimeProvider time)
    {
        Terminate();
        return KillAfterAsync(grace, time);
    }

    /// <summary>Kills the child and what it has started when it has not ended after some time.</summary>
    public async Task KillAfterAsync(TimeSpan grace, TimeProvider time)
    {
        try
        {
            await _process.WaitForExitAsync().WaitAsync(grace, time);
        }
        catch (TimeoutException)
        {
            _process.Kill(entireProcessTree: true);
            await _process.WaitForExitAsync();
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _registrations.ForEach(registration => registration.Dispose());
        _process.Dispose();
    }

    private void Forward(PosixSignalContext context)
    {
        context.Cancel = true; // The child decides what the signal means; this process ends after it.
        lock (_gate)
        {
            if (_isStarted && !_process.HasExited)
            {
                Signals.Send(_process.Id, Signals.NumberOf(context.Signal));
                HasGotSignal = true;
            }
        }
    }
}
