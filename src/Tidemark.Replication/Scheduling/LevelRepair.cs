using Tidemark.Formats;
using Tidemark.Replicas.Catalog;

namespace Tidemark.Replication.Scheduling;

/// <summary>A level of a replica that cannot go on, because a file that it needs is missing or damaged: it goes on from a full image.</summary>
/// <remarks>
/// The image is named from the TXID after the level's last one to the newest capture, so the level stays without a hole. Levels below are
/// then compacted up to exactly that capture, so that what comes next continues the image.
/// </remarks>
/// <param name="Level">The level.</param>
/// <param name="From">The TXID after its last one.</param>
internal sealed record LevelRepair(Level Level, Txid From);
