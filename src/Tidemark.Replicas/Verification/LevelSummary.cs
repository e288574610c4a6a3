using Tidemark.Formats;
using Tidemark.Replicas.Catalog;

namespace Tidemark.Replicas.Verification;

/// <summary>What a level holds.</summary>
/// <param name="Level">The level.</param>
/// <param name="Files">How many files.</param>
/// <param name="SizeBytes">Their size together.</param>
/// <param name="MinTxid">The first TXID in them.</param>
/// <param name="MaxTxid">The last TXID in them.</param>
public readonly record struct LevelSummary(Level Level, int Files, long SizeBytes, Txid MinTxid, Txid MaxTxid);
