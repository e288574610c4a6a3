using System.Buffers.Binary;

namespace Tidemark.Formats.Wal;

/// <summary>The 24 bytes before every page in a WAL file. All fields are big-endian.</summary>
/// <remarks>
/// <code>
///   0             4        8       12      16           24
///   +-------------+--------+-------+-------+------------+
///   | page number | commit | salt1 | salt2 | checksum   |   then the page
///   +-------------+--------+-------+-------+------------+
/// </code>
/// The checksum continues that of the frame before (the header for frame 1) over the first 8 bytes and the page.
/// See https://www.sqlite.org/fileformat2.html#walformat.
/// </remarks>
/// <param name="PageNumber">The page that follows.</param>
/// <param name="Commit">Database size in pages after the transaction, for its last frame; 0 for all other frames.</param>
/// <param name="Salts">Those of the WAL header, or the frame belongs to an earlier run of the WAL.</param>
/// <param name="Checksum">Running checksum after this frame.</param>
public readonly record struct WalFrameHeader(uint PageNumber, uint Commit, WalSalts Salts, WalChecksum Checksum)
{
    /// <summary>Bytes of the header.</summary>
    public const int Size = 24;

    private const int CheckedSize = 8;

    /// <summary>True for the last frame of a transaction.</summary>
    public bool IsCommit => Commit != 0;

    /// <summary>Bytes of a frame: header and page.</summary>
    public static int FrameSize(PageSize pageSize) => Size + pageSize.Bytes;

    /// <summary>Offset in the file of frame <paramref name="frame"/>, which counts from 1.</summary>
    public static long OffsetOf(uint frame, PageSize pageSize) => WalHeader.Size + ((frame - 1L) * FrameSize(pageSize));

    /// <summary>Reads the fields without checking them. <paramref name="source"/> holds at least <see cref="Size"/> bytes.</summary>
    public static WalFrameHeader Read(ReadOnlySpan<byte> source) => new(
        BinaryPrimitives.ReadUInt32BigEndian(source),
        BinaryPrimitives.ReadUInt32BigEndian(source[4..]),
        new WalSalts(BinaryPrimitives.ReadUInt32BigEndian(source[8..]), BinaryPrimitives.ReadUInt32BigEndian(source[12..])),
        new WalChecksum(BinaryPrimitives.ReadUInt32BigEndian(source[16..]), BinaryPrimitives.ReadUInt32BigEndian(source[20..])));

    /// <summary>Reads one whole frame and checks it against the WAL's header and the frame before it.</summary>
    /// <param name="frame">Header and page.</param>
    /// <param name="wal">The header of the WAL.</param>
    /// <param name="previous">The running checksum before this frame.</param>
    /// <param name="header">The frame's header, also when it is at fault; the default value when it is cut off.</param>
    /// <returns><see cref="WalFault.None"/>, or what is wrong.</returns>
    public static WalFault TryReadFrame(ReadOnlySpan<byte> frame, in WalHeader wal, WalChecksum previous, out WalFrameHeader header)
    {
        header = default;
        if (frame.Length < FrameSize(wal.PageSize))
        {
            return WalFault.Truncated;
        }

        header = Read(frame);
        if (header.Salts != wal.Salts)
        {
            return WalFault.SaltMismatch;
        }

        if (header.PageNumber == 0)
        {
            return WalFault.InvalidPageNumber;
        }

        var checksum = previous.Append(frame[..CheckedSize], wal.IsBigEndian).Append(frame[Size..FrameSize(wal.PageSize)], wal.IsBigEndian);
        return checksum == header.Checksum ? WalFault.None : WalFault.ChecksumMismatch;
    }

    /// <summary>Writes a whole frame and returns its running checksum. Used to make WAL files for tests and repairs.</summary>
    public static WalChecksum WriteFrame(
        Span<byte> destination, in WalHeader wal, WalChecksum previous, uint pageNumber, uint commit, ReadOnlySpan<byte> page)
    {
        BinaryPrimitives.WriteUInt32BigEndian(destination, pageNumber);
        BinaryPrimitives.WriteUInt32BigEndian(destination[4..], commit);
        BinaryPrimitives.WriteUInt32BigEndian(destination[8..], wal.Salts.Salt1);
        BinaryPrimitives.WriteUInt32BigEndian(destination[12..], wal.Salts.Salt2);
        page.CopyTo(destination[Size..]);
        var checksum = previous.Append(destination[..CheckedSize], wal.IsBigEndian).Append(page, wal.IsBigEndian);
        BinaryPrimitives.WriteUInt32BigEndian(destination[16..], checksum.S0);
        BinaryPrimitives.WriteUInt32BigEndian(destination[20..], checksum.S1);
        return checksum;
    }
}
