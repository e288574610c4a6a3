using Tidemark.Formats;

namespace Tidemark.Replication.Audit;

/// <summary>How far one audit has come.</summary>
/// <param name="started">When it began.</param>
internal sealed class AuditProgress(DateTimeOffset started)
{
    public DateTimeOffset Started => started;

    /// <summary>Where capture stood when the first piece was compared; <see cref="Txid.None"/> before that.</summary>
    public Txid FirstTxid { get; set; }

    /// <summary>The page that is compared next.</summary>
    public long NextPage { get; set; } = 1;

    /// <summary>Size of the pages that were compared so far.</summary>
    public PageSize? PageSize { get; set; }

    /// <summary>How many pages were compared.</summary>
    public long PageCount { get; set; }

    /// <summary>The frames of the WAL, as far as they were looked at.</summary>
    public AuditFrames Frames { get; } = new();

    /// <summary>Begins again at page 1.</summary>
    public void Restart() => (FirstTxid, NextPage, PageSize, PageCount) = (Txid.None, 1, null, 0);
}
