using Tidemark.Formats.Ltx;
using Tidemark.Replication.Capture;
using Xunit;

namespace Tidemark.Replication.Tests.Capture;

public sealed class FileDigestTests
{
    private static readonly byte[] s_file = [.. Enumerable.Range(0, 1000).Select(i => (byte)(i * 7))];

    [Theory]
    [InlineData(1)]
    [InlineData(99)]
    [InlineData(100)]
    [InlineData(101)]
    [InlineData(1000)]
    public void The_size_of_writes_does_not_change_a_digest(int size)
        => Assert.Equal(Digest(s_file, s_file.Length), Digest(s_file, size));

    [Fact]
    public void A_header_that_is_written_again_counts_as_it_was_written_last()
    {
        var digest = new FileDigest();
        digest.Add(0, new byte[150]);
        digest.Add(150, s_file.AsSpan(150));
        digest.Add(0, s_file.AsSpan(0, LtxHeader.Size));

        var expected = s_file.ToArray();
        expected.AsSpan(LtxHeader.Size, 50).Clear();
        Assert.Equal(Digest(expected, 64), digest.Value);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(99)]
    [InlineData(100)]
    [InlineData(999)]
    public void Every_byte_counts(int damaged)
    {
        var file = s_file.ToArray();
        file[damaged] ^= 1;
        Assert.NotEqual(Digest(s_file, 64), Digest(file, 64));
    }

    [Fact]
    public void Bytes_out_of_order_have_no_digest()
    {
        var digest = new FileDigest();
        digest.Add(0, s_file.AsSpan(0, 500));
        digest.Add(400, s_file.AsSpan(400));
        Assert.Null(digest.Value);
    }

    [Fact]
    public void Half_a_header_has_no_digest() => Assert.Null(Digest(s_file[..99], 10));

    private static UInt128? Digest(byte[] file, int size)
    {
        var digest = new FileDigest();
        for (var offset = 0; offset < file.Length; offset += size)
        {
            digest.Add(offset, file.AsSpan(offset, Math.Min(size, file.Length - offset)));
        }

        return digest.Value;
    }
}
