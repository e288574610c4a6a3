using Tidemark.Formats;
using Tidemark.Formats.Database;
using Tidemark.Replicas.Files;

namespace Tidemark.Replication.Capture;

/// <summary>How an orderly end left the database file: wholly captured, and without a WAL.</summary>
/// <param name="Txid">The capture that leads to what is in the file.</param>
/// <param name="Checksum">Rolling checksum of the database there.</param>
/// <param name="ChangeCounter">The counter in the file's header.</param>
/// <param name="Stamp">What the system tells of the file. It was quiet for longer than a tick of the system's clock when it was closed, so
/// whoever writes it afterwards changes the stamp.</param>
internal sealed record OrderlyEnd(Txid Txid, DatabaseChecksum Checksum, uint ChangeCounter, FileStamp Stamp);
