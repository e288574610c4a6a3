using Tidemark.Formats;
using Tidemark.Formats.Database;

namespace Tidemark.Replicas.Restore;

/// <summary>A state of a database that was read from a replica, with every check of a restore.</summary>
/// <param name="Txid">Which state.</param>
/// <param name="PageSize">Size of the pages.</param>
/// <param name="PageCount">Size of the database in pages.</param>
/// <param name="Checksum">Checksum of the database, computed from its pages.</param>
/// <param name="IsProven">Whether the newest file carried a checksum of the whole database, which is then this one.</param>
public sealed record ReplicaState(Txid Txid, PageSize PageSize, uint PageCount, DatabaseChecksum Checksum, bool IsProven);
