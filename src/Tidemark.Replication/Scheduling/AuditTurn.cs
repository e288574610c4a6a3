namespace Tidemark.Replication.Scheduling;

/// <summary>Lets one database of a process at a time be audited by the clock, so that many that are due together share one rate.
/// Thread-safe.</summary>
internal sealed class AuditTurn
{
    private object? _holder;

    /// <summary>Whether nobody else has the turn.</summary>
    public bool IsFreeFor(object holder) => Volatile.Read(ref _holder) is var held && (held is null || held == holder);

    /// <summary>Takes the turn if nobody has it; true also when the caller has it already.</summary>
    public bool TryTake(object holder)
        => Interlocked.CompareExchange(ref _holder, holder, null) is var held && (held is null || held == holder);

    /// <summary>Gives the turn back, if the caller has it.</summary>
    public void GiveBack(object holder) => Interlocked.CompareExchange(ref _holder, null, holder);
}
