namespace Tidemark.Replication.Capture;

/// <summary>What a capture does next. Decided by a pure function over one <see cref="WalObservation"/>.</summary>
internal abstract record CaptureDecision
{
    private CaptureDecision()
    {
    }

    /// <summary>Everything is captured.</summary>
    internal sealed record Idle : CaptureDecision;

    /// <summary>Nothing was captured yet: every page of the database is written.</summary>
    internal sealed record FirstImage : CaptureDecision;

    /// <summary>The frames from <paramref name="FirstFrame"/> on continue the last capture.</summary>
    internal sealed record Continue(uint FirstFrame) : CaptureDecision;

    /// <summary>The WAL does not continue the last capture: the pages that differ from it are written.</summary>
    internal sealed record Heal(Discontinuity Reason) : CaptureDecision;

    /// <summary>The decision table.</summary>
    /// <remarks>
    /// Other salts under an uninterrupted guard mean that the position was the end of the old WAL: a guard inside the WAL forbids a
    /// restart, and a guard at mark 0 allows only one, of a WAL that was captured to its end.
    /// </remarks>
    public static CaptureDecision From(in WalObservation seen) => seen switch
    {
        { Position: null } => new FirstImage(),
        { Position: var position } when seen.ReplicaTxid > position.Txid => new Heal(Discontinuity.ReplicaIsAhead),
        { Doubt: { } reason } => new Heal(reason),

        { Snapshot: null, GuardIsUninterrupted: true } => new Idle(),
        { Snapshot: null } => new Heal(Discontinuity.WalIsGone),

        { Position: var position, Snapshot: { } wal } when wal.PageSize != position.PageSize => new Heal(Discontinuity.PageSizeChanged),

        // Another run of the WAL.
        { Position: var position, Snapshot: { } wal } when wal.Salts != position.Salts => seen.GuardIsUninterrupted
            ? wal.FrameCount == 0 ? new Idle() : new Continue(1)
            : new Heal(Discontinuity.WalWasRestarted),

        // The same run of the WAL.
        { Position: var position, Snapshot: { } wal } when wal.FrameCount < position.Frame => new Heal(Discontinuity.WalIsShorter),
        { WalHoldsPosition: false } => new Heal(Discontinuity.WalWasRewritten),
        { Position: var position, Snapshot: { } wal } when wal.FrameCount == position.Frame => new Idle(),
        { Position: var position } => new Continue(position.Frame + 1),
    };
}
