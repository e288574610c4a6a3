using Tidemark.Formats;
using Tidemark.Replicas.Catalog;

namespace Tidemark.Replicas.Follow;

/// <summary>What a round of following has seen.</summary>
/// <param name="Output">The database.</param>
/// <param name="Position">Its state, where it is known or claimed.</param>
/// <param name="MayOverwrite">Whether a foreign database may be replaced.</param>
/// <param name="Files">What the replica holds: all levels, or those files of level 0 that come after the position.</param>
internal readonly record struct FollowObservation(
    OutputKnowledge Output, Txid Position, bool MayOverwrite, IReadOnlyList<LtxFileInfo> Files);
