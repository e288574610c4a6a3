using Tidemark.Formats;

namespace Tidemark.Replicas.Verification;

/// <summary>A state that files lead to.</summary>
/// <param name="Txid">The state.</param>
/// <param name="Created">When it was captured, as the store tells.</param>
public readonly record struct RestorableState(Txid Txid, DateTimeOffset Created);
