using Tidemark.Formats.Wal;

namespace Tidemark.Replication.Databases;

/// <summary>How far a WAL was copied into the database file, by the words that all connections share in its index.</summary>
/// <remarks>
/// <code>
///   0            48           96       100                 128
///   +------------+------------+--------+-------------------+-----------+
///   | header     | header     | copied | marks, lock bytes | attempted |
///   +------------+------------+--------+-------------------+-----------+
/// </code>
/// In the machine's byte order. https://www.sqlite.org/walformat.html#the_wal_index_header
/// </remarks>
/// <param name="Run">The salts of the WAL, as one number: another one with each start over.</param>
/// <param name="FrameCount">Last committed frame (<c>mxFrame</c>).</param>
/// <param name="Copied">Frames that are in the database file (<c>nBackfill</c>).</param>
/// <param name="Attempted">Frames that a checkpoint has begun to copy (<c>nBackfillAttempted</c>). More than
/// <paramref name="Copied"/> while one is at work, and after one that broke off.</param>
internal readonly record struct WalIndexState(ulong Run, uint FrameCount, uint Copied, uint Attempted)
{
    /// <summary>Bytes of the index that are needed.</summary>
    public const int Size = 132;

    private const int CountOffset = 16;
    private const int SaltOffset = 32;
    private const int CopiedOffset = 2 * WalIndexHeader.Size;
    private const int AttemptedOffset = 128;

    /// <summary>Whether the database file holds all that is committed: then a new reader needs no WAL, and a writer starts it over.</summary>
    public bool IsWhollyCopied => Copied >= FrameCount;

    /// <summary>Whether a checkpoint is copying frames, or has broken off while it did.</summary>
    public bool IsBeingCopied => Attempted > Copied;

    /// <summary>Reads the words.</summary>
    public static WalIndexState Read(ReadOnlySpan<byte> index) => new(
        BitConverter.ToUInt64(index[SaltOffset..]),
        BitConverter.ToUInt32(index[CountOffset..]),
        BitConverter.ToUInt32(index[CopiedOffset..]),
        BitConverter.ToUInt32(index[AttemptedOffset..]));
}
