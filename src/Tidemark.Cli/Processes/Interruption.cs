using System.Runtime.InteropServices;

namespace Tidemark.Cli.Processes;

/// <summary>Turns signals to this process into two tokens: the first asks for an orderly end, the next one cuts that end short.</summary>
internal sealed class Interruption : IDisposable
{
    private readonly CancellationTokenSource _stopping = new();
    private readonly CancellationTokenSource _cutShort = new();
    private readonly List<PosixSignalRegistration> _registrations = [];
    private int _signalNumber;

    private Interruption()
    {
    }

    /// <summary>Cancelled by the first signal.</summary>
    public CancellationToken Stopping => _stopping.Token;

    /// <summary>Cancelled by the second signal.</summary>
    public CancellationToken CutShort => _cutShort.Token;

    /// <summary>The number of the first signal; null when none has come.</summary>
    public int? SignalNumber => Volatile.Read(ref _signalNumber) is var number && number == 0 ? null : number;

    /// <summary>Takes over the signals of this process until disposal.</summary>
    public static Interruption Register()
    {
        var interruption = new Interruption();
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

    private void Handle(PosixSignalContext context)
    {
        context.Cancel = true; // The runtime would end the process.
        if (Interlocked.CompareExchange(ref _signalNumber, Signals.NumberOf(context.Signal), 0) == 0)
        {
            _stopping.Cancel();
        }
        else
        {
            _cutShort.Cancel();
        }
    }
}
