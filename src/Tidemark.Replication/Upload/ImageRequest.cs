using Tidemark.Formats;
using Tidemark.Replicas.Catalog;

namespace Tidemark.Replication.Upload;

/// <summary>An image of the whole database that a destination needs.</summary>
/// <param name="Level">On which level it goes.</param>
/// <param name="From">Its first TXID; its last one is that of the database when it is written.</param>
/// <param name="AtLeast">Its last TXID must not be less: an image that was written before this was asked for is no answer.</param>
internal sealed record ImageRequest(Level Level, Txid From, Txid AtLeast = default);
