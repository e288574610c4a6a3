using Tidemark.Formats;
using Tidemark.Formats.Wal;

namespace Tidemark.Replication.Capture;

/// <summary>Everything that decides how a capture goes on, seen inside one read transaction.</summary>
/// <param name="Position">Where capture stands, or null when nothing was captured yet.</param>
/// <param name="Snapshot">The end of the WAL by SQLite's own word, or null while the WAL holds no transaction: then the database file alone
/// is the state.</param>
/// <param name="ReplicaTxid">The newest TXID that any destination is known to hold.</param>
/// <param name="GuardIsUninterrupted">Whether a guard was held without a gap since the position was taken.</param>
/// <param name="WalHoldsPosition">Whether the frame at the position still carries the running checksum that the position remembers.</param>
internal readonly record struct WalObservation(
    Position? Position,
    WalIndexHeader? Snapshot,
    Txid ReplicaTxid,
    bool GuardIsUninterrupted,
    bool WalHoldsPosition)
{
    /// <summary>Why the database is not what was captured, whatever its WAL says; null unless that is known.</summary>
    public Discontinuity? Doubt { get; init; }
}
