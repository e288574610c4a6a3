using Tidemark.Replication.Health;

namespace Tidemark.Cli.Output;

/// <summary>The last audit of the live database, in <see cref="VerifyDocument"/>.</summary>
internal sealed record VerifyAuditDocument(bool Equal, string Txid, string FirstTxid, string Timestamp, long Pages, long DifferentPages)
{
    /// <summary>Tells of an audit.</summary>
    public static VerifyAuditDocument From(AuditStatus audit) => new(
        audit.Outcome == AuditOutcome.Equal, audit.Txid.ToString(), audit.FirstTxid.ToString(), Rfc3339.Format(audit.Finished),
        audit.PageCount, audit.DifferentPages);
}
