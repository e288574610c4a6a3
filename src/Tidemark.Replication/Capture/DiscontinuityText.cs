namespace Tidemark.Replication.Capture;

/// <summary>The words for each <see cref="Discontinuity"/>, to stand after "since".</summary>
internal static class DiscontinuityText
{
    /// <summary>What happened to the WAL, for a person.</summary>
    public static string Describe(Discontinuity? reason) => reason switch
    {
        Discontinuity.WalIsGone => "it was closed, checkpointed or replaced while nobody replicated it",
        Discontinuity.WalWasRestarted => "its WAL was started over, or the database was replaced, while nobody replicated it",
        Discontinuity.WalIsShorter => "its WAL is shorter than what was captured: the end was lost, or an older copy was put back",
        Discontinuity.WalWasRewritten => "its WAL holds other frames than those that were captured",
        Discontinuity.PageSizeChanged => "its pages have another size: it was rebuilt or replaced",
        Discontinuity.ReplicaIsAhead => "the replica holds newer captures: an older copy of the database or of the spool was put back",
        Discontinuity.AuditFoundDifference => "an audit found pages in it that are not those that were captured",
        _ => "nothing was captured before",
    };
}
