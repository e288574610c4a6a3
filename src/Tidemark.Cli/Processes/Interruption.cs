using System.Runtime.InteropServices;

namespace Tidemark.Cli.Processes;

/// <summary>Turns signals to this process into two tokens: the first asks for an orderly end, a later one cuts that end short.</summary>
/// <remarks>
/// A signal right after the first one is its echo: <c>timeout</c> and its like signal their child, and then the group that it is in.
/// Thread-safe.
/// </remarks>
internal sealed class Interruption : IDisposable
{
    /// <summary>For how long after the first signal others are its echo. A person who means it is slower, or repeats it.</summary>
    public static readonly TimeSpan EchoTime = TimeSpan.FromMilliseconds(500);

    private readonly CancellationTokenSource _stopping = new();
    private readonly CancellationTokenSource _cutShort = new();
    private readonly List<PosixSignalRegistration> _registrations = [];
    private readonly Lock _gate = new();
    private readonly TimeProvider _time;
    private long _firstSignal;
    private int _signalNumber;

    /// <summary>Listens to nothing yet.</summary>
    internal Interruption(TimeProvider time) => _time = time;

    /// <summary>Cancelled by the first signal.</summary>
    public CancellationToken Stopping => _stopping.Token;

    /// <summary>Cancelled by the next signal that is not an echo of the first.</summary>
    public CancellationToken CutShort => _cutShort.Token;

    /// <summary>The number of the first signal; null when none has come.</summary>
    public int? SignalNumber => Volatile.Read(ref _signalNumber) is var number && number == 0 ? null : number;

    /// <summary>Takes over the signals of this process until disposal, for a command without use for <see cref="CutShort"/>.</summary>
    public static Interruption Register() => Register(TimeProvider.System);

    /// <summary>Takes over the signals of this process until disposal.</summary>
    public static Interruption Register(TimeProvider time)
    {
        var interruption = new Interruption(time);
        foreach (var signal in Signals.Stopping)
        {
            interruption._registrations.Add(PosixSignalRegistration.Create(signal, interruption.Handle));
        }

        return interruption;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        // The registrations first: their disposal waits for handlers that run, which still use the sources.
        _registrations.ForEach(registration => registration.Dispose());
        _stopping.Dispose();
        _cutShort.Dispose();
    }

    /// <summary>Takes note of a signal.</summary>
    internal void Take(int signalNumber)
    {
        bool isFirst;
        lock (_gate)
        {
            isFirst = _signalNumber == 0;
            if (isFirst)
            {
                _firstSignal = _time.GetTimestamp();
                Volatile.Write(ref _signalNumber, signalNumber);
            }
            else if (_time.GetElapsedTime(_firstSignal) < EchoTime)
            {
                return;
            }
        }

        // Outside the lock, since what waits for the tokens runs here.
        (isFirst ? _stopping : _cutShort).Cancel();
    }

    private void Handle(PosixSignalContext context)
    {
        context.Cancel = true; // The runtime would end the process.
        Take(Signals.NumberOf(context.Signal));
    }
}
