using System.Buffers.Binary;
using K4os.Compression.LZ4;
using Tidemark.Formats.Database;
using Tidemark.Formats.Ltx;

namespace Tidemark.Formats.Tests.Ltx;

/// <summary>Builds LTX files field by field, also wrong ones, with a file checksum that is right nevertheless: so that each rule can be
/// broken alone.</summary>
/// <remarks>It shares no code with the writer but the checksum.</remarks>
internal sealed class LtxForge
{
    private readonly List<ForgedFrame> _frames = [];

    private LtxForge(LtxHeader header) => header.Write(Header);

    /// <summary>The header's bytes.</summary>
    public byte[] Header { get; } = new byte[LtxHeader.Size];

    /// <summary>Where each frame begins in the file.</summary>
    public List<long> FrameOffsets { get; } = [];

    public byte[] EndOfPages { get; init; } = new byte[6];

    public ulong PostApplyChecksum { get; set; }

    /// <summary>Changes the entries of the index before they are written.</summary>
    public Action<List<ulong>>? ChangeIndex { get; set; }

    /// <summary>Adds to the index size that is written.</summary>
    public long IndexSizeError { get; set; }

    /// <summary>Is exclusive-ored to the file checksum.</summary>
    public ulong FileChecksumError { get; set; }

    /// <summary>What follows the trailer.</summary>
    public byte[] AfterEnd { get; set; } = [];

    /// <summary>A file without pages.</summary>
    public static LtxForge Of(LtxHeader header) => new(header);

    /// <summary>A snapshot of three pages of 512 bytes.</summary>
    public static LtxForge Snapshot() => Of(LtxSample.HeaderOf(512, commit: 3, minTxid: 1, maxTxid: 5)).WithPages(1, 2, 3);

    /// <summary>A file of pages 2, 3 and 5 of a database of seven.</summary>
    public static LtxForge Increment() => Of(LtxSample.HeaderOf(512, commit: 7, minTxid: 6, maxTxid: 6)).WithPages(2, 3, 5);

    /// <summary>The same pages as LZ4 frames, as older programs wrote them.</summary>
    public static LtxForge Frames()
        => Of(LtxSample.HeaderOf(512, commit: 7, minTxid: 6, maxTxid: 6)).WithFrames(new Lz4FrameForge(), 2, 3, 5);

    /// <summary>A snapshot that tracks checksums in the standard way.</summary>
    public static LtxForge Tracked()
    {
        var forge = Of(LtxSample.HeaderOf(512, commit: 3, minTxid: 1, maxTxid: 5) with { TracksChecksums = true }).WithPages(1, 2, 3);
        var checksum = DatabaseChecksum.Empty;
        for (var pageNumber = 1u; pageNumber <= 3; pageNumber++)
        {
            checksum = checksum.Toggle(DatabaseChecksum.OfPage(pageNumber, Page(pageNumber)));
        }

        forge.PostApplyChecksum = checksum.Value;
        return forge;
    }

    /// <summary>What the page of a number holds: partly text, partly random.</summary>
    public static byte[] Page(uint pageNumber, int length = 512)
    {
        var page = new byte[length];
        new Random((int)pageNumber).NextBytes(page.AsSpan(0, length / 4));
        return page;
    }

    /// <summary>Adds pages as LZ4 blocks.</summary>
    public LtxForge WithPages(params uint[] pageNumbers)
    {
        foreach (var pageNumber in pageNumbers)
        {
            WithBlock(pageNumber, Page(pageNumber));
        }

        return this;
    }

    /// <summary>Adds a page as an LZ4 block; its content may have any length.</summary>
    public LtxForge WithBlock(uint pageNumber, byte[] content)
    {
        var block = new byte[LZ4Codec.MaximumOutputSize(content.Length)];
        return WithRaw(pageNumber, flags: 1, block[..LZ4Codec.Encode(content, block)], content);
    }

    /// <summary>Adds pages as LZ4 frames.</summary>
    public LtxForge WithFrames(Lz4FrameForge frames, params uint[] pageNumbers)
    {
        foreach (var pageNumber in pageNumbers)
        {
            WithRaw(pageNumber, flags: 0, frames.Build(Page(pageNumber)), Page(pageNumber));
        }

        return this;
    }

    /// <summary>Adds a page from its parts.</summary>
    /// <param name="pageNumber">The page number.</param>
    /// <param name="flags">The flags.</param>
    /// <param name="payload">The compressed page.</param>
    /// <param name="content">What the file checksum takes for the expanded page.</param>
    /// <param name="size">The size field, if it is not that of the payload.</param>
    public LtxForge WithRaw(uint pageNumber, ushort flags, byte[] payload, byte[] content, uint? size = null)
    {
        var header = new byte[(flags & 1) != 0 ? 10 : 6];
        BinaryPrimitives.WriteUInt32BigEndian(header, pageNumber);
        BinaryPrimitives.WriteUInt16BigEndian(header.AsSpan(4), flags);
        if (header.Length == 10)
        {
            BinaryPrimitives.WriteUInt32BigEndian(header.AsSpan(6), size ?? (uint)payload.Length);
        }

        _frames.Add(new ForgedFrame(pageNumber, header, payload, content));
        return this;
    }

    public LtxForge With(Action<LtxForge> change)
    {
        change(this);
        return this;
    }

    /// <summary>The bytes of the file.</summary>
    public byte[] Build()
    {
        FrameOffsets.Clear();
        List<byte> file = [.. Header];
        List<byte> logical = [.. Header];
        List<ulong> index = [];
        foreach (var frame in _frames)
        {
            FrameOffsets.Add(file.Count);
            index.AddRange([frame.PageNumber, (ulong)file.Count, (ulong)(frame.Header.Length + frame.Payload.Length)]);
            file.AddRange([.. frame.Header, .. frame.Payload]);
            logical.AddRange([.. frame.Header, .. frame.Content]);
        }

        index.Add(0);
        ChangeIndex?.Invoke(index);
        var tail = Tail([.. index.SelectMany(Varint)]);
        var checksum = DatabaseChecksum.Flag | Crc64Iso.Append(0, [.. logical, .. tail]);
        return [.. file, .. tail, .. BigEndian(checksum ^ FileChecksumError), .. AfterEnd];
    }

    private static byte[] BigEndian(ulong value)
    {
        var bytes = new byte[8];
        BinaryPrimitives.WriteUInt64BigEndian(bytes, value);
        return bytes;
    }

    private static IEnumerable<byte> Varint(ulong value)
    {
        for (; value > 127; value >>= 7)
        {
            yield return (byte)(128 | (value & 127));
        }

        yield return (byte)value;
    }

    private byte[] Tail(byte[] index)
        => [.. EndOfPages, .. index, .. BigEndian((ulong)(index.Length + IndexSizeError)), .. BigEndian(PostApplyChecksum)];

    private sealed record ForgedFrame(uint PageNumber, byte[] Header, byte[] Payload, byte[] Content);
}
