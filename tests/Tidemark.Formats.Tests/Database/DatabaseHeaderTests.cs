using System.Buffers.Binary;
using Tidemark.Formats.Database;

namespace Tidemark.Formats.Tests.Database;

public sealed class DatabaseHeaderTests
{
    [Theory]
    [InlineData(512, 512)]
    [InlineData(4096, 4096)]
    [InlineData(1, 65536)]
    public void A_header_tells_the_page_size_and_the_size(int stored, int bytes)
    {
        Assert.True(DatabaseHeader.TryRead(Header(stored, pages: 7, counter: 3, validFor: 3), out var header));
        Assert.Equal((bytes, (uint?)7), (header.PageSize.Bytes, header.Pages));
    }

    [Fact]
    public void A_size_that_was_not_kept_up_to_date_is_not_told()
    {
        Assert.True(DatabaseHeader.TryRead(Header(4096, pages: 7, counter: 4, validFor: 3), out var header));
        Assert.Null(header.Pages);
        Assert.True(DatabaseHeader.TryRead(Header(4096, pages: 0, counter: 3, validFor: 3), out header));
        Assert.Null(header.Pages);
    }

    [Fact]
    public void What_is_no_header_is_refused()
    {
        var header = Header(4096, pages: 7, counter: 3, validFor: 3);
        Assert.False(DatabaseHeader.TryRead(header.AsSpan(0, 99), out _));
        Assert.False(DatabaseHeader.TryRead(Header(4095, 7, 3, 3), out _));
        header[0]++;
        Assert.False(DatabaseHeader.TryRead(header, out _));
    }

    private static byte[] Header(int pageSize, uint pages, uint counter, uint validFor)
    {
        var bytes = new byte[DatabaseHeader.Size];
        "SQLite format 3\0"u8.CopyTo(bytes);
        BinaryPrimitives.WriteUInt16BigEndian(bytes.AsSpan(16), (ushort)pageSize);
        BinaryPrimitives.WriteUInt32BigEndian(bytes.AsSpan(24), counter);
        BinaryPrimitives.WriteUInt32BigEndian(bytes.AsSpan(28), pages);
        BinaryPrimitives.WriteUInt32BigEndian(bytes.AsSpan(92), validFor);
        return bytes;
    }
}
