using Tidemark.Formats.Database;
using Tidemark.Formats.Ltx;
using Tidemark.Formats.Wal;

namespace Tidemark.Formats.Tests.Ltx;

/// <summary>Whole files as the reference encoder of the format writes them, and our own extension as docs/format/ltx.md lays it
/// out.</summary>
public sealed class LtxGoldenTests
{
    private static readonly string s_zeros60 = new('0', 120);

    private static readonly LtxHeader s_snapshot = LtxSample.HeaderOf(512, commit: 1, minTxid: 1, maxTxid: 1) with { TimestampMs = 1000 };

    private static readonly byte[] s_snapshotFile = Convert.FromHexString(
        "4c5458310000000200000200000000010000000000000001000000000000000100000000000003e8" + s_zeros60
        + "000000010001" + "00000018" + "1f000100ffda000200000200b0" + new string('0', 22)
        + "000000000000" + "01642200" + "0000000000000004"
        + "0000000000000000" + "f12f7e94b3af6137");

    private static readonly byte[] s_trackedFile = Convert.FromHexString(
        "4c5458310000000000000200000000010000000000000001000000000000000100000000000003e8" + s_zeros60
        + "000000010001" + "00000018" + "1f000100ffda000200000200b0" + new string('0', 22)
        + "000000000000" + "01642200" + "0000000000000004"
        + "efb1f44fecd99000" + "adf2959b81c05590");

    [Fact]
    public void A_snapshot_of_the_reference_encoder_reads()
    {
        Assert.Equal(168, s_snapshotFile.Length);
        var (summary, pages) = LtxSample.Read(s_snapshotFile);
        Assert.Equal(s_snapshot, summary.Header);
        Assert.Equal(new LtxTrailer(0, 0xf12f7e94b3af6137), summary.Trailer);
        Assert.Equal(new byte[512], Assert.Single(pages).Value);
    }

    [Fact]
    public void A_snapshot_that_tracks_checksums_of_the_reference_encoder_reads()
    {
        var (summary, _) = LtxSample.Read(s_trackedFile);
        Assert.Equal(s_snapshot with { TracksChecksums = true }, summary.Header);
        Assert.Equal(new LtxTrailer(0xefb1f44fecd99000, 0xadf2959b81c05590), summary.Trailer);
    }

    [Fact]
    public void What_is_written_differs_from_the_reference_encoder_in_compression_only()
    {
        var sample = new LtxSample(s_snapshot with { TracksChecksums = true }, [1], new byte[512]);
        var file = sample.Write();
        Assert.Equal(s_trackedFile[..106], file[..106]);
        Assert.Equal(s_trackedFile[^16..^8], file[^16..^8]);
        Assert.Equal(sample.Pages, Assert.Single(LtxSample.Read(file).Pages).Value);
    }

    [Fact]
    public void A_file_without_pages_is_written_byte_for_byte_as_by_the_reference_encoder()
    {
        var header = s_snapshot with { MinTxid = new Txid(2), MaxTxid = new Txid(2) };
        var expected = "4c5458310000000200000200000000010000000000000002000000000000000200000000000003e8" + s_zeros60
            + "000000000000" + "00" + "0000000000000001" + "0000000000000000" + "d9a4ed8b2508e655";
        Assert.Equal(expected, Convert.ToHexStringLower(new LtxSample(header, [], []).Write()));
    }

    [Fact]
    public void Page_checksums_are_those_of_the_reference()
    {
        Assert.Equal(0xefb1f44fecd99000, DatabaseChecksum.OfPage(1, new byte[512]));
        Assert.Equal(0xef63e89fecd99000, DatabaseChecksum.OfPage(2, new byte[512]));
    }

    [Theory]
    [InlineData(512, 2097153)]
    [InlineData(1024, 1048577)]
    [InlineData(4096, 262145)]
    [InlineData(65536, 16385)]
    public void The_lock_page_is_where_the_reference_has_it(int pageSize, uint lockPage)
        => Assert.Equal(lockPage, LtxSample.Size(pageSize).LockPage);

    [Fact]
    public void A_header_is_laid_out_as_documented()
    {
        var header = new LtxHeader
        {
            TracksChecksums = true,
            PageSize = LtxSample.Size(65536),
            Commit = 0x01020304,
            MinTxid = new Txid(0x1112131415161718),
            MaxTxid = new Txid(0x2122232425262728),
            TimestampMs = 0x3132333435363738,
            PreApplyChecksum = 0xC142434445464748,
            WalOffset = 0x5152535455565758,
            WalSize = 0x6162636465666768,
            WalSalts = new WalSalts(0x71727374, 0x75767778),
            Lineage = new Lineage(0x8182838485868788),
            Proof = new LtxProof(new DatabaseChecksum(0x9192939495969798), new DatabaseChecksum(0xA1A2A3A4A5A6A7A8)),
        };
        var bytes = new byte[LtxHeader.Size];
        header.Write(bytes);
        Assert.Equal(
            "4c545831" + "00000000" + "00010000" + "01020304" + "1112131415161718" + "2122232425262728" + "3132333435363738"
            + "c142434445464748" + "5152535455565758" + "6162636465666768" + "71727374" + "75767778" + "8182838485868788"
            + "54444d" + "03" + "9192939495969798" + "a1a2a3a4a5a6a7a8",
            Convert.ToHexStringLower(bytes));
        Assert.Equal(LtxFault.None, LtxHeader.TryRead(bytes, out var read));
        Assert.Equal(header, read);
    }

    [Fact]
    public void A_header_without_proof_has_zeros_in_its_place()
    {
        var bytes = new byte[LtxHeader.Size];
        Array.Fill(bytes, (byte)0xFF);
        s_snapshot.Write(bytes);
        Assert.Equal(new byte[20], bytes[80..]);
        Assert.Equal(2, bytes[7]);
    }

    [Theory]
    [InlineData(long.MinValue, "0001-01-01T00:00:00")]
    [InlineData(1000, "1970-01-01T00:00:01")]
    [InlineData(long.MaxValue, "9999-12-31T23:59:59")]
    public void Any_time_of_a_header_can_be_shown(long milliseconds, string expected)
        => Assert.StartsWith(expected, (s_snapshot with { TimestampMs = milliseconds }).Timestamp.ToString("s"), StringComparison.Ordinal);
}
