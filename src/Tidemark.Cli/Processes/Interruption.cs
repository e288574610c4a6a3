using System.Collections.Concurrent;
using System.Runtime.InteropServices;

namespace Tidemark.Cli.Processes;

/// <summary>Turns signals to this process into two tokens: the first asks for an orderly end, a later one cuts that end short.</summary>
/// <remarks>
/// A signal right after the first one is its echo: <c>timeout</c> and its like signal their child, and then the group that it is in. What
/// does not end by the later one either is ended (<see cref="ForcedEnd"/>). Thread-safe.
/// </remarks>
internal sealed class Interruption : IDisposable
{
    /// <summary>For how long after the first signal others are its echo. A person who means it is slower, or repeats it.</summary>
    public static readonly TimeSpan EchoTime = TimeSpan.FromMilliseconds(500);

    private static readonly ConcurrentQueue<Interruption> s_ended = new();

    private readonly CancellationTokenSource _stopping = new();
    private readonly CancellationTokenSource _cutShort = new();
    private readonly List<PosixSignalRegistration> _registrations = [];
    private readonly Lock _gate = new();
    private readonly TimeProvider _time;
    private long _firstSignal;
    private bool _isEnding;
    private bool _isDisposed;
    private bool _isLeftToChild;
    private int _signalNumber;

    /// <summary>Listens to nothing yet.</summary>
    internal Interruption(TimeProvider time) => _time = time;

    /// <summary>Cancelled by the first signal.</summary>
    public CancellationToken Stopping => _stopping.Token;

    /// <summary>Cancelled by the next signal that is not an echo of the first.</summary>
    public CancellationToken CutShort => _cutShort.Token;

    /// <summary>The number of the first signal; null when none has come.</summary>
    public int? SignalNumber => Volatile.Read(ref _signalNumber) is var number && number == 0 ? null : number;

    /// <summary>Takes over the signals of this process until disposal, for a command that has an end of its own.</summary>
    public static Interruption Register() => Register(TimeProvider.System, onHangup: null);

    /// <summary>Takes over the signals of this process until disposal.</summary>
    /// <param name="time">The clock.</param>
    /// <param name="onHangup">What SIGHUP does instead of asking for an end, for a command that runs until it is told to stop: who sends it
    /// wants a service to go on with a new configuration, and a terminal that closes must not end one unseen.</param>
    public static Interruption Register(TimeProvider time, Action? onHangup)
    {
        var interruption = new Interruption(time);
        interruption._cutShort.Token.Register(ForcedEnd.Begin);
        foreach (var signal in Signals.Stopping)
        {
            interruption._registrations.Add(PosixSignalRegistration.Create(signal, context =>
            {
                context.Cancel = true; // The runtime would end the process.
                if (signal == PosixSignal.SIGHUP && onHangup is not null)
                {
                    onHangup();
                    return;
                }

                interruption.Take(Signals.NumberOf(signal));
            }));
        }

        return interruption;
    }

    /// <summary>From now on a child decides what signals mean. It may live on with any number of them, except for SIGTERM, which means an
    /// end in every program.</summary>
    public void LeaveToChild()
    {
        lock (_gate)
        {
            _isLeftToChild = true;
        }
    }

    /// <summary>The child has ended, and so does everything: the next signal that is not an echo cuts the end short.</summary>
    public void TakeBack()
    {
        lock (_gate)
        {
            _isLeftToChild = false;
            BeginEnd();
        }
    }

    /// <summary>Signals mean nothing any more. They are still taken: the exit code of a command that has ended is its own.</summary>
    public void Dispose()
    {
        s_ended.Enqueue(this); // Keeps the registrations.
        lock (_gate)
        {
            if (_isDisposed)
            {
                return;
            }

            _isDisposed = true;
        }

        _stopping.Dispose();
        _cutShort.Dispose();
    }

    /// <summary>Takes note of a signal.</summary>
    internal void Take(int signalNumber)
    {
        bool isFirst;
        lock (_gate)
        {
            if (_isDisposed || (_isLeftToChild && signalNumber != Signals.NumberOf(PosixSignal.SIGTERM)))
            {
                return;
            }

            isFirst = !_isEnding;
            if (!isFirst && _time.GetElapsedTime(_firstSignal) < EchoTime)
            {
                return;
            }

            BeginEnd();
            Interlocked.CompareExchange(ref _signalNumber, signalNumber, 0);
        }

        try
        {
            // Outside the lock, since what waits for the tokens runs here.
            (isFirst ? _stopping : _cutShort).Cancel();
        }
        catch (ObjectDisposedException)
        {
            // The command has ended meanwhile.
        }
    }

    // Within the gate.
    private void BeginEnd()
    {
        if (!_isEnding)
        {
            (_isEnding, _firstSignal) = (true, _time.GetTimestamp());
        }
    }
}
