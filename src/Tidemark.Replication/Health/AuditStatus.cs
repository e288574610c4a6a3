using Tidemark.Formats;

namespace Tidemark.Replication.Health;

/// <summary>What the last audit of a database found: the comparison of all its pages with what was captured.</summary>
/// <remarks>
/// Equal means: every page of the live database was read, each between <see cref="Started"/> and <see cref="Finished"/>, and was what the
/// captures up to that moment, at least <see cref="FirstTxid"/> and at most <see cref="Txid"/>, say it is; and what changed afterwards was
/// captured from SQLite's own verified WAL. So the database was equal to <see cref="Txid"/>, unless somebody wrote a page
/// without SQLite after it had been read; the next audit finds that.
/// </remarks>
/// <param name="Outcome">In a word.</param>
/// <param name="FirstTxid">The capture that the first page was compared with.</param>
/// <param name="Txid">The capture that the last page was compared with.</param>
/// <param name="Started">When it began.</param>
/// <param name="Finished">When it ended.</param>
/// <param name="PageCount">How many pages were compared.</param>
/// <param name="DifferentPages">How many of them differed; all of them where it is not known which.</param>
public sealed record AuditStatus(
    AuditOutcome Outcome, Txid FirstTxid, Txid Txid, DateTimeOffset Started, DateTimeOffset Finished, long PageCount, long DifferentPages);
