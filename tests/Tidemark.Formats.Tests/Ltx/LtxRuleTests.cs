using Tidemark.Formats.Ltx;

namespace Tidemark.Formats.Tests.Ltx;

/// <summary>Every rule of docs/format/ltx.md, broken alone in a file whose checksums are right.</summary>
public sealed class LtxRuleTests
{
    [Fact]
    public void Forged_files_are_valid_until_a_rule_is_broken()
    {
        foreach (var forge in new[] { LtxForge.Snapshot(), LtxForge.Increment(), LtxForge.Frames(), LtxForge.Tracked() })
        {
            var (_, pages) = LtxSample.Read(forge.Build());
            Assert.Equal(3, pages.Count);
            Assert.All(pages, page => Assert.Equal(LtxForge.Page(page.Key), page.Value));
        }
    }

    [Fact]
    public void Blocks_and_frames_may_stand_in_one_file()
    {
        var file = LtxForge.Of(LtxSample.HeaderOf(512, 9, 2, 2)).WithPages(2).WithFrames(new Lz4FrameForge(), 3).WithPages(7).Build();
        Assert.Equal([2u, 3u, 7u], LtxSample.Read(file).Pages.Keys);
    }

    [Fact]
    public void A_file_must_begin_with_the_magic_number()
        => Broken(LtxFault.NotAnLtxFile, 0, LtxForge.Snapshot().With(f => f.Header[3] = (byte)'2'));

    [Theory]
    [InlineData(4)]
    [InlineData(6)]
    public void An_unknown_header_flag_is_refused(int offset)
        => Broken(LtxFault.UnknownHeaderFlags, 0, LtxForge.Snapshot().With(f => f.Header[offset] = 1));

    [Fact]
    public void The_flag_of_compressed_files_of_the_first_version_is_refused()
        => Broken(LtxFault.UnknownHeaderFlags, 0, LtxForge.Snapshot().With(f => f.Header[7] |= 1));

    [Theory]
    [InlineData(0, 0)]
    [InlineData(0, 1)]
    [InlineData(3, 0)]
    [InlineData(1, 1)]
    public void A_page_size_must_be_a_power_of_two_in_range(byte high, byte low)
        => Broken(LtxFault.InvalidPageSize, 0, LtxForge.Snapshot().With(f => (f.Header[10], f.Header[11]) = (high, low)));

    [Fact]
    public void A_page_size_of_131072_is_refused()
        => Broken(LtxFault.InvalidPageSize, 0, LtxForge.Snapshot().With(f => (f.Header[9], f.Header[10]) = (2, 0)));

    [Fact]
    public void The_first_TXID_must_not_be_zero() => Broken(LtxFault.InvalidTxids, 0, LtxForge.Snapshot().With(f => f.Header[23] = 0));

    [Fact]
    public void The_last_TXID_must_not_come_before_the_first()
        => Broken(LtxFault.InvalidTxids, 0, LtxForge.Increment().With(f => f.Header[31] = 5));

    [Theory]
    [InlineData(48)] // negative offset
    [InlineData(56)] // negative size
    public void A_range_in_the_WAL_must_not_be_negative(int offset)
        => Broken(LtxFault.InvalidWalRange, 0, LtxForge.Increment().With(f => (f.Header[55], f.Header[offset]) = (32, 0x80)));

    [Theory]
    [InlineData(63)] // size
    [InlineData(67)] // salt 1
    [InlineData(71)] // salt 2
    public void A_range_in_the_WAL_needs_an_offset(int offset)
        => Broken(LtxFault.InvalidWalRange, 0, LtxForge.Increment().With(f => f.Header[offset] = 1));

    [Fact]
    public void A_snapshot_has_no_checksum_before()
        => Broken(LtxFault.UnexpectedPreApplyChecksum, 0, LtxForge.Tracked().With(f => f.Header[40] = 0x80));

    [Fact]
    public void A_file_that_does_not_track_checksums_has_no_checksum_before()
        => Broken(LtxFault.UnexpectedPreApplyChecksum, 0, LtxForge.Increment().With(f => f.Header[40] = 0x80));

    [Theory]
    [InlineData(0, 0)]
    [InlineData(0x40, 1)]
    public void A_file_that_tracks_checksums_has_a_checksum_before_with_bit_63(byte first, byte last)
        => Broken(
            LtxFault.InvalidPreApplyChecksum,
            0,
            LtxForge.Increment().With(f => (f.Header[7], f.Header[40], f.Header[47]) = (0, first, last)));

    [Theory]
    [InlineData(4, 0x00, 0x80, 0x00)] // unknown flag
    [InlineData(1, 0x00, 0x80, 0x00)] // before is announced, after is there
    [InlineData(2, 0x80, 0x80, 0x00)] // before is not announced
    [InlineData(3, 0x80, 0x40, 0x00)] // after without bit 63
    [InlineData(2, 0x00, 0x00, 0x01)] // after without bit 63
    public void A_malformed_proof_is_refused(byte flags, byte before, byte after, byte afterLast)
        => Broken(LtxFault.InvalidProof, 0, LtxForge.Increment().With(f =>
        {
            "TDM"u8.CopyTo(f.Header.AsSpan(80));
            (f.Header[83], f.Header[84], f.Header[92], f.Header[99]) = (flags, before, after, afterLast);
        }));

    [Fact]
    public void A_snapshot_has_no_proof_of_what_was_before()
        => Broken(LtxFault.InvalidProof, 0, LtxForge.Snapshot().With(f =>
        {
            "TDM"u8.CopyTo(f.Header.AsSpan(80));
            (f.Header[83], f.Header[84]) = (1, 0x80);
        }));

    [Fact]
    public void Reserved_bytes_of_another_writer_are_no_proof()
    {
        var file = LtxForge.Increment().With(f => f.Header.AsSpan(80).Fill(0xFF)).Build();
        Assert.Equal(LtxProof.None, LtxSample.Read(file).Summary.Header.Proof);
    }

    [Fact]
    public void A_page_has_no_unknown_flag()
        => Broken(LtxFault.UnknownPageFlags, 100, LtxForge.Of(IncrementHeader).WithRaw(2, 3, [0], LtxForge.Page(2)));

    [Fact]
    public void The_end_of_the_pages_has_no_flags()
        => Broken(LtxFault.InvalidPageNumber, 100, LtxForge.Of(IncrementHeader).WithRaw(0, 1, [0], LtxForge.Page(2)));

    [Fact]
    public void A_page_lies_within_the_database() => Broken(LtxFault.InvalidPageNumber, 100, LtxForge.Of(IncrementHeader).WithPages(8));

    [Fact]
    public void The_lock_page_is_never_in_a_file()
    {
        var lockPage = IncrementHeader.PageSize.LockPage;
        var forge = LtxForge.Of(IncrementHeader with { Commit = lockPage + 1 }).WithPages(lockPage);
        Assert.Contains("lock page", Broken(LtxFault.InvalidPageNumber, 100, forge).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(3, 2)]
    [InlineData(3, 3)]
    public void Pages_are_in_ascending_order(uint first, uint second)
        => Broken(LtxFault.PageOutOfOrder, null, LtxForge.Of(IncrementHeader).WithPages(first, second));

    [Fact]
    public void A_snapshot_begins_with_page_1() => Broken(LtxFault.MissingPage, 100, LtxForge.Of(SnapshotHeader).WithPages(2, 3));

    [Fact]
    public void A_snapshot_has_no_hole() => Broken(LtxFault.MissingPage, null, LtxForge.Of(SnapshotHeader).WithPages(1, 3));

    [Fact]
    public void A_snapshot_reaches_the_end_of_the_database()
    {
        var fault = Broken(LtxFault.MissingPage, null, LtxForge.Of(SnapshotHeader).WithPages(1, 2));
        Assert.Contains("page 2 of 3", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_compressed_page_is_not_empty()
        => Broken(LtxFault.InvalidFrameSize, 100, LtxForge.Of(IncrementHeader).WithRaw(2, 1, [], LtxForge.Page(2)));

    [Theory]
    [InlineData(531u)]
    [InlineData(uint.MaxValue)]
    public void A_compressed_page_is_not_longer_than_the_worst_case(uint size)
        => Broken(LtxFault.InvalidFrameSize, 100, LtxForge.Of(IncrementHeader).WithRaw(2, 1, [0], LtxForge.Page(2), size));

    [Fact]
    public void A_compressed_page_that_is_damaged_is_refused()
        => Broken(LtxFault.InvalidCompression, 100, LtxForge.Of(IncrementHeader).WithRaw(2, 1, [0xFF, 0, 0, 0], LtxForge.Page(2)));

    [Theory]
    [InlineData(511)]
    [InlineData(1)]
    public void A_page_that_expands_to_less_than_a_page_is_refused(int length)
    {
        var fault = Broken(LtxFault.WrongExpandedSize, 100, LtxForge.Of(IncrementHeader).WithBlock(2, new byte[length]));
        Assert.Equal($"test.ltx: page 2 expands to {length} bytes instead of 512 at byte 100.", fault.Message);
    }

    [Fact]
    public void A_page_that_expands_to_more_than_a_page_is_refused()
        => Broken(LtxFault.InvalidCompression, 100, LtxForge.Of(IncrementHeader).WithBlock(2, new byte[513]));

    [Fact]
    public void An_LZ4_frame_that_is_none_is_refused()
        => Broken(LtxFault.InvalidCompression, 100, LtxForge.Of(IncrementHeader).WithRaw(2, 0, new byte[64], LtxForge.Page(2)));

    [Fact]
    public void An_LZ4_frame_with_a_wrong_checksum_is_refused()
        => Broken(
            LtxFault.InvalidCompression,
            100,
            LtxForge.Of(IncrementHeader).WithFrames(new Lz4FrameForge { ContentChecksumError = 1 }, 2));

    [Fact]
    public void An_LZ4_frame_of_another_size_than_a_page_is_refused()
        => Broken(
            LtxFault.WrongExpandedSize,
            100,
            LtxForge.Of(IncrementHeader).WithRaw(2, 0, new Lz4FrameForge().Build(new byte[500]), new byte[500]));

    [Fact]
    public void An_LZ4_frame_of_many_tiny_blocks_is_refused()
        => Broken(
            LtxFault.InvalidCompression,
            100,
            LtxForge.Of(IncrementHeader).WithFrames(new Lz4FrameForge { BlockLength = 1, IsStored = true }, 2));

    [Theory]
    [InlineData(0, 1)] // page number
    [InlineData(1, 1)] // offset
    [InlineData(2, 1)] // length
    [InlineData(9, 1)] // the end
    public void The_index_names_exactly_the_frames(int value, ulong error)
        => Broken(LtxFault.IndexMismatch, null, LtxForge.Increment().With(f => f.ChangeIndex = index => index[value] += error));

    [Fact]
    public void The_index_lacks_no_page()
    {
        var fault = Fault(LtxForge.Increment().With(f => f.ChangeIndex = index => index.RemoveRange(6, 3)));
        Assert.Equal(LtxFault.IndexMismatch, fault.Fault);
    }

    [Fact]
    public void The_index_has_no_page_more()
    {
        var fault = Fault(LtxForge.Increment().With(f => f.ChangeIndex = index => index.InsertRange(9, [6, 500, 20])));
        Assert.Equal(LtxFault.IndexMismatch, fault.Fault);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(-1)]
    [InlineData(long.MaxValue)]
    public void The_size_of_the_index_is_right(long error)
        => Broken(LtxFault.IndexSizeMismatch, null, LtxForge.Increment().With(f => f.IndexSizeError = error));

    [Fact]
    public void A_file_that_does_not_track_checksums_has_no_checksum_after()
        => Broken(LtxFault.UnexpectedPostApplyChecksum, null, LtxForge.Increment().With(f => f.PostApplyChecksum = 1UL << 63));

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public void A_file_that_tracks_checksums_has_a_checksum_after_with_bit_63(ulong checksum)
        => Broken(LtxFault.InvalidPostApplyChecksum, null, LtxForge.Tracked().With(f => f.PostApplyChecksum = checksum));

    [Fact]
    public void The_checksum_after_of_a_snapshot_is_that_of_its_pages()
        => Broken(LtxFault.DatabaseChecksumMismatch, null, LtxForge.Tracked().With(f => f.PostApplyChecksum ^= 1));

    [Fact]
    public void The_checksum_after_of_another_file_is_taken_as_it_is()
    {
        var header = IncrementHeader with { TracksChecksums = true, PreApplyChecksum = 1UL << 63 | 7 };
        var forge = LtxForge.Of(header).WithPages(2).With(f => f.PostApplyChecksum = 1UL << 63 | 8);
        Assert.Equal(1UL << 63 | 8, LtxSample.Read(forge.Build()).Summary.Trailer.PostApplyChecksum);
    }

    [Fact]
    public void A_file_that_leaves_nothing_of_a_database_says_so_by_its_checksum()
    {
        var header = IncrementHeader with { Commit = 0 };
        Broken(LtxFault.InvalidPostApplyChecksum, 115, LtxForge.Of(header));
        var tracked = header with { TracksChecksums = true, PreApplyChecksum = 1UL << 63 };
        Broken(LtxFault.InvalidPostApplyChecksum, 115, LtxForge.Of(tracked).With(f => f.PostApplyChecksum = 1UL << 63 | 1));
        Assert.Empty(LtxSample.Read(LtxForge.Of(tracked).With(f => f.PostApplyChecksum = 1UL << 63).Build()).Pages);
    }

    [Fact]
    public void A_file_checksum_has_bit_63()
        => Broken(LtxFault.InvalidFileChecksum, null, LtxForge.Increment().With(f => f.FileChecksumError = 1UL << 63));

    [Fact]
    public void A_file_checksum_matches_the_contents()
        => Broken(LtxFault.FileChecksumMismatch, null, LtxForge.Increment().With(f => f.FileChecksumError = 1));

    [Fact]
    public void Nothing_follows_the_trailer() => Broken(LtxFault.TrailingBytes, null, LtxForge.Increment().With(f => f.AfterEnd = [0]));

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_file_that_is_cut_anywhere_is_refused(bool isBlock)
    {
        var file = (isBlock ? LtxForge.Increment() : LtxForge.Frames()).Build();
        for (var length = 0; length < file.Length; length++)
        {
            var fault = Assert.Throws<LtxFormatException>(() => LtxSample.Read(file[..length]));
            Assert.Equal(LtxFault.Truncated, fault.Fault);
            Assert.Equal(length, fault.Offset);
            Assert.Equal("The file is not complete; restore from another TXID or replica.", fault.Hint);
        }
    }

    [Fact]
    public void Every_fault_has_words_of_its_own()
    {
        var faults = Enum.GetValues<LtxFault>();
        Assert.Equal(faults.Length, faults.Select(LtxFaultText.Describe).Distinct().Count());
        Assert.All(faults, fault => Assert.Equal(fault == LtxFault.None, LtxFaultText.HintFor(fault) is null));
    }

    private static LtxHeader SnapshotHeader => LtxSample.HeaderOf(512, commit: 3, minTxid: 1, maxTxid: 5);

    private static LtxHeader IncrementHeader => LtxSample.HeaderOf(512, commit: 7, minTxid: 6, maxTxid: 6);

    private static LtxFormatException Broken(LtxFault expected, long? offset, LtxForge forge)
    {
        var fault = Fault(forge);
        Assert.Equal(expected, fault.Fault);
        Assert.Equal("test.ltx", fault.File);
        Assert.StartsWith("test.ltx: ", fault.Message, StringComparison.Ordinal);
        Assert.EndsWith($" at byte {fault.Offset}.", fault.Message, StringComparison.Ordinal);
        Assert.NotNull(fault.Hint);
        Assert.Equal(offset ?? fault.Offset, fault.Offset);
        return fault;
    }

    private static LtxFormatException Fault(LtxForge forge) => Assert.Throws<LtxFormatException>(() => LtxSample.Read(forge.Build()));
}
