using Tidemark.Formats;
using Tidemark.Formats.Database;

namespace Tidemark.Replication.Capture;

/// <summary>What a destination held when it was noted last.</summary>
/// <param name="Txid">The newest TXID.</param>
/// <param name="Checksum">Checksum of the database there, or null when it was not known.</param>
/// <param name="Lineage">Who wrote it.</param>
/// <param name="NotedAt">When that was, to the second.</param>
internal sealed record RememberedState(Txid Txid, DatabaseChecksum? Checksum, Lineage Lineage, DateTimeOffset NotedAt);
