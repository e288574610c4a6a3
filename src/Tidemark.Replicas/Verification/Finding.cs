using Tidemark.Formats;
using Tidemark.Replicas.Catalog;

namespace Tidemark.Replicas.Verification;

/// <summary>Something that was noticed in a replica.</summary>
/// <param name="IsProblem">Whether it must not be. Otherwise it is good to know, and nothing is wrong.</param>
/// <param name="File">The file that it is about, or null.</param>
/// <param name="MinTxid">The first TXID that it is about.</param>
/// <param name="MaxTxid">The last TXID that it is about.</param>
/// <param name="Message">What was noticed, in a sentence.</param>
/// <param name="Hint">What helps, or null.</param>
public sealed record Finding(bool IsProblem, LtxFileKey? File, Txid MinTxid, Txid MaxTxid, string Message, string? Hint = null);
