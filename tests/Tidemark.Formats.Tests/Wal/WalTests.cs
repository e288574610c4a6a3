using System.Buffers.Binary;
using Tidemark.Formats.Tests.Fuzzing;
using Tidemark.Formats.Tests.Ltx;
using Tidemark.Formats.Wal;

namespace Tidemark.Formats.Tests.Wal;

public sealed class WalTests
{
    private const string Load = "CREATE TABLE t (a INTEGER PRIMARY KEY, b TEXT);"
        + "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 400) "
        + "INSERT INTO t SELECT i, 'row ' || i || hex(randomblob(20)) FROM n;"
        + "UPDATE t SET b = b || '!' WHERE a % 7 = 0;"
        + "DELETE FROM t WHERE a > 300;";

    [Theory]
    [InlineData(512)]
    [InlineData(4096)]
    [InlineData(65536)]
    public void A_WAL_of_SQLite_reads_to_the_end_that_its_index_names(int pageSize)
    {
        using var database = SqliteDatabase.Create(pageSize);
        database.Execute(Load);
        var wal = ReadWal(database.ReadFiles().Wal);
        var index = database.ReadIndexHeader(out _);
        var last = wal.Frames[^1];
        Assert.False(wal.Header.IsBigEndian, "SQLite sums up in the machine's order.");
        Assert.Equal(pageSize, wal.Header.PageSize.Bytes);
        var frameCount = (uint)wal.Frames.Count;
        Assert.Equal(index, new(wal.Header.PageSize, frameCount, last.Header.Commit, last.Header.Checksum, wal.Header.Salts));
        Assert.True(last.Header.IsCommit);
        Assert.Equal(database.Query("PRAGMA page_count"), $"{index.PageCount}");
        Assert.Equal(4, wal.Frames.Count(frame => frame.Header.IsCommit));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void SQLite_recovers_a_WAL_that_was_written_here_in_either_byte_order(bool isBigEndian)
    {
        using var database = SqliteDatabase.Create(1024);
        database.Execute(Load);
        var expected = database.Query("SELECT group_concat(a || b) FROM t");
        var (image, bytes) = database.ReadFiles();
        var (original, frames) = ReadWal(bytes);
        var header = WalHeader.Create(isBigEndian, original.PageSize, original.Sequence + 3, new WalSalts(0xF1234567, 0x89ABCDEF));
        var written = new byte[bytes.Length];
        header.Write(written);
        var checksum = header.Checksum;
        for (var i = 0; i < frames.Count; i++)
        {
            var target = written.AsSpan((int)WalFrameHeader.OffsetOf((uint)i + 1, header.PageSize));
            var (frame, page) = frames[i];
            checksum = WalFrameHeader.WriteFrame(target, header, checksum, frame.PageNumber, frame.Commit, page);
        }

        Assert.Equal(frames.Count, ReadWal(written).Frames.Count);
        using var recovered = SqliteDatabase.Recover(image, written);
        Assert.Equal(expected, recovered.Query("SELECT group_concat(a || b) FROM t"));
        Assert.Equal("ok", recovered.Query("PRAGMA integrity_check"));
        Assert.Equal((uint)frames.Count, recovered.ReadIndexHeader(out _).FrameCount);
    }

    [Fact]
    public void Frames_of_an_earlier_run_of_the_WAL_are_told_by_their_salts()
    {
        using var database = SqliteDatabase.Create(1024);
        database.Execute(Load);
        var earlier = ReadWal(database.ReadFiles().Wal);
        database.Query("PRAGMA wal_checkpoint(RESTART)");
        database.Execute("UPDATE t SET b = 'x' WHERE a = 5");
        var bytes = database.ReadFiles().Wal;
        var (header, frames) = ReadWal(bytes);
        Assert.NotEqual(earlier.Header.Salts, header.Salts);
        Assert.Equal(database.ReadIndexHeader(out _).FrameCount, (uint)frames.Count);
        Assert.InRange(frames.Count, 1, earlier.Frames.Count - 1);
        var next = bytes.AsSpan((int)WalFrameHeader.OffsetOf((uint)frames.Count + 1, header.PageSize));
        Assert.Equal(WalFault.SaltMismatch, WalFrameHeader.TryReadFrame(next, header, frames[^1].Header.Checksum, out _));
    }

    [Theory]
    [InlineData(0, 0x38, WalFault.NotAWal)]
    [InlineData(3, 0x80, WalFault.NotAWal)]
    [InlineData(7, 0x19, WalFault.UnknownVersion)]
    [InlineData(10, 0x03, WalFault.InvalidPageSize)]
    [InlineData(15, 0x77, WalFault.ChecksumMismatch)]
    [InlineData(20, 0x77, WalFault.ChecksumMismatch)]
    [InlineData(31, 0x77, WalFault.ChecksumMismatch)]
    public void A_damaged_header_is_refused(int offset, byte value, WalFault expected)
    {
        var bytes = Header(isBigEndian: false);
        bytes[offset] = value;
        Assert.Equal(expected, WalHeader.TryRead(bytes, out var header));
        Assert.Equal(default, header);
    }

    [Fact]
    public void A_header_is_laid_out_as_documented()
    {
        Assert.Equal(
            "377f0682" + "002de218" + "00000200" + "00000007" + "01020304" + "05060708",
            Convert.ToHexStringLower(Header(isBigEndian: false)[..24]));
        Assert.Equal("377f0683", Convert.ToHexStringLower(Header(isBigEndian: true)[..4]));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_header_that_is_written_reads_back(bool isBigEndian)
    {
        var bytes = Header(isBigEndian);
        Assert.Equal(WalFault.None, WalHeader.TryRead(bytes, out var header));
        Assert.Equal(WalHeader.Create(isBigEndian, LtxSample.Size(512), 7, new WalSalts(0x01020304, 0x05060708)), header);
        for (var length = 0; length < bytes.Length; length++)
        {
            Assert.Equal(WalFault.Truncated, WalHeader.TryRead(bytes.AsSpan(0, length), out _));
        }
    }

    [Fact]
    public void A_checksum_is_the_one_of_the_specification()
        => Gen.Select(Gen.UInt, Gen.UInt, Gen.UInt.Array[0, 50], Gen.Bool).Sample((s0, s1, words, isBigEndian) =>
        {
            var (x, y) = (s0, s1);
            uint[] all = [.. words, .. words];
            var bytes = new byte[4 * all.Length];
            for (var i = 0; i < all.Length; i += 2)
            {
                x += all[i] + y;
                y += all[i + 1] + x;
                Write(bytes.AsSpan(4 * i), all[i]);
                Write(bytes.AsSpan(4 * (i + 1)), all[i + 1]);
            }

            Assert.Equal(new WalChecksum(x, y), new WalChecksum(s0, s1).Append(bytes, isBigEndian));

            void Write(Span<byte> target, uint word)
            {
                if (isBigEndian)
                {
                    BinaryPrimitives.WriteUInt32BigEndian(target, word);
                }
                else
                {
                    BinaryPrimitives.WriteUInt32LittleEndian(target, word);
                }
            }
        });

    [Fact]
    public void A_checksum_covers_pairs_of_words_only()
        => Assert.Throws<InvariantException>(() => default(WalChecksum).Append(new byte[12], isBigEndian: true));

    [Theory]
    [InlineData(3, WalFault.InvalidPageNumber)] // page number 5 becomes 0
    [InlineData(7, WalFault.ChecksumMismatch)] // commit
    [InlineData(8, WalFault.SaltMismatch)]
    [InlineData(15, WalFault.SaltMismatch)]
    [InlineData(16, WalFault.ChecksumMismatch)]
    [InlineData(24, WalFault.ChecksumMismatch)]
    [InlineData(535, WalFault.ChecksumMismatch)]
    public void A_damaged_frame_is_refused(int offset, WalFault expected)
    {
        var header = WalHeader.Create(isBigEndian: true, LtxSample.Size(512), 0, new WalSalts(1, 2));
        var frame = new byte[WalFrameHeader.FrameSize(header.PageSize)];
        WalFrameHeader.WriteFrame(frame, header, header.Checksum, pageNumber: 5, commit: 9, LtxForge.Page(5));
        Assert.Equal(WalFault.None, WalFrameHeader.TryReadFrame(frame, header, header.Checksum, out var read));
        Assert.Equal((5u, 9u), (read.PageNumber, read.Commit));
        Assert.Equal(WalFault.ChecksumMismatch, WalFrameHeader.TryReadFrame(frame, header, default, out _));
        Assert.Equal(WalFault.Truncated, WalFrameHeader.TryReadFrame(frame.AsSpan(1), header, header.Checksum, out _));
        frame[offset] ^= 5;
        Assert.Equal(expected, WalFrameHeader.TryReadFrame(frame, header, header.Checksum, out _));
    }

    [Fact]
    public void An_index_header_that_is_damaged_anywhere_is_refused()
    {
        using var database = SqliteDatabase.Create(4096);
        database.Execute(Load);
        database.ReadIndexHeader(out var bytes);
        for (var length = 0; length < bytes.Length; length++)
        {
            Assert.False(WalIndexHeader.TryRead(bytes.AsSpan(0, length), out _));
        }

        for (var at = 0; at < bytes.Length; at++)
        {
            var damaged = bytes.ToArray();
            damaged[at] ^= 1;
            Assert.False(WalIndexHeader.TryRead(damaged, out _), $"Byte {at} was damaged.");
        }
    }

    [Fact]
    public void Damaged_WALs_are_refused_and_nothing_else_happens()
    {
        using var database = SqliteDatabase.Create(512);
        database.Execute(Load);
        var bytes = database.ReadFiles().Wal[..(32 + (20 * 536))];
        database.ReadIndexHeader(out var index);
        var frames = ReadWal(bytes).Frames;
        Fuzz.Run(5_000, random =>
        {
            var read = ReadWal(Mutation.Of(bytes, bytes, random)).Frames;
            Assert.InRange(read.Count, 0, frames.Count);
            Assert.All(read.Zip(frames), pair => Assert.Equal(pair.Second.Header, pair.First.Header));
            Assert.All(read.Zip(frames), pair => Assert.Equal(WithoutTopBits(pair.Second.Page), WithoutTopBits(pair.First.Page)));
            WalIndexHeader.TryRead(Mutation.Of(index, bytes, random), out _);
        });
    }

    // Of its 32-bit words the checksum of a WAL sees the top bits by their parity only, so several that turned over can hide each other.
    private static byte[] WithoutTopBits(byte[] page) => [.. page.Select((value, at) => at % 4 is 0 or 3 ? (byte)(value & 0x7f) : value)];

    private static byte[] Header(bool isBigEndian)
    {
        var bytes = new byte[WalHeader.Size];
        WalHeader.Create(isBigEndian, LtxSample.Size(512), 7, new WalSalts(0x01020304, 0x05060708)).Write(bytes);
        return bytes;
    }

    // All frames until the first that does not belong to the WAL any more.
    private static (WalHeader Header, List<(WalFrameHeader Header, byte[] Page)> Frames) ReadWal(byte[] bytes)
    {
        List<(WalFrameHeader, byte[])> frames = [];
        if (WalHeader.TryRead(bytes, out var header) != WalFault.None)
        {
            return (header, frames);
        }

        var checksum = header.Checksum;
        for (var at = WalHeader.Size; ; at += WalFrameHeader.FrameSize(header.PageSize))
        {
            var rest = bytes.AsSpan(Math.Min(at, bytes.Length));
            if (WalFrameHeader.TryReadFrame(rest, header, checksum, out var frame) != WalFault.None)
            {
                return (header, frames);
            }

            checksum = frame.Checksum;
            frames.Add((frame, rest.Slice(WalFrameHeader.Size, header.PageSize.Bytes).ToArray()));
        }
    }
}
