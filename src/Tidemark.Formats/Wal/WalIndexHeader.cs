using System.Buffers.Binary;

namespace Tidemark.Formats.Wal;

/// <summary>The 48-byte WAL-index header of a read snapshot: what SQLite itself knows about the committed end of the WAL.</summary>
/// <remarks>
/// <code>
///   0         4   8        12     13       14          16          20          24         32      40
///   +---------+---+--------+------+--------+-----------+-----------+-----------+----------+-------+----------+
///   | version | - | change | init | endian | page size | last frame| page count| checksum | salts | checksum |
///   +---------+---+--------+------+--------+-----------+-----------+-----------+----------+-------+----------+
/// </code>
/// It is what <c>sqlite3_snapshot_get</c> hands out. Fields are in the machine's byte order, but the salts are copied as they stand in the
/// WAL. The second checksum covers the header itself; SQLite gives no promise about this memory, so it is checked before anything is
/// believed. See https://www.sqlite.org/walformat.html#the_wal_index_header.
/// </remarks>
/// <param name="PageSize">Size of the pages.</param>
/// <param name="FrameCount">Last committed frame (<c>mxFrame</c>); 0 when the WAL was restarted and holds nothing yet.</param>
/// <param name="PageCount">Database size in pages (<c>nPage</c>).</param>
/// <param name="Checksum">Running checksum of the last committed frame (<c>aFrameCksum</c>).</param>
/// <param name="Salts">Salts of the WAL (<c>aSalt</c>).</param>
public readonly record struct WalIndexHeader(PageSize PageSize, uint FrameCount, uint PageCount, WalChecksum Checksum, WalSalts Salts)
{
    /// <summary>Bytes of the header.</summary>
    public const int Size = 48;

    private const uint Version = 3007000;
    private const int InitialisedOffset = 12;
    private const int CheckedSize = 40;

    /// <summary>Whether this is the header of a WAL without transactions: one that was started over before it held anything, or whose writer was
    /// killed before its first commit. SQLite gives it salts, so that it hands it out; but it may have no page size yet.</summary>
    public static bool IsOfEmptyWal(ReadOnlySpan<byte> source) => IsIntact(source) && Word(source, 16) == 0;

    /// <summary>Reads the fields; false if they are not those of a WAL-index header of the known version, or its checksum does not
    /// match.</summary>
    public static bool TryRead(ReadOnlySpan<byte> source, out WalIndexHeader header)
    {
        header = default;
        if (!IsIntact(source))
        {
            return false;
        }

        // 65,536 does not fit into the 16-bit field and is stored as 1.
        var storedPageSize = BitConverter.ToUInt16(source[14..]);
        if (!PageSize.TryFromBytes((storedPageSize & 0xfe00) + ((storedPageSize & 1) << 16), out var pageSize))
        {
            return false;
        }

        var salts = new WalSalts(BinaryPrimitives.ReadUInt32BigEndian(source[32..]), BinaryPrimitives.ReadUInt32BigEndian(source[36..]));
        var lastFrame = new WalChecksum(Word(source, 24), Word(source, 28));
        header = new WalIndexHeader(pageSize, Word(source, 16), Word(source, 20), lastFrame, salts);
        return true;
    }

    /// <summary>True when the bytes are a header of the known version that was written as a whole, whatever it says.</summary>
    public static bool IsIntact(ReadOnlySpan<byte> source)
        => source.Length >= Size
            && Word(source, 0) == Version
            && source[InitialisedOffset] != 0
            && default(WalChecksum).Append(source[..CheckedSize], isBigEndian: !BitConverter.IsLittleEndian)
                == new WalChecksum(Word(source, CheckedSize), Word(source, CheckedSize + 4));

    private static uint Word(ReadOnlySpan<byte> source, int offset) => BitConverter.ToUInt32(source[offset..]);
}
