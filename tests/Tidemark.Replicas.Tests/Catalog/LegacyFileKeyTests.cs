using Tidemark.Replicas.Catalog;
using Xunit;

namespace Tidemark.Replicas.Tests.Catalog;

public sealed class LegacyFileKeyTests
{
    private const string Generation = "0123456789abcdef";

    [Theory]
    [InlineData("0000002a.snapshot.lz4", 42u, null, "snapshots")]
    [InlineData("0000002a_00001038.wal.lz4", 42u, 0x1038L, "wal")]
    [InlineData("7fffffff_1000010b8.wal.lz4", 0x7fffffffu, 0x1_0000_10b8L, "wal")] // beyond 4 GiB
    [InlineData("00000000_7fffffffffffffff.wal.lz4", 0u, long.MaxValue, "wal")]
    public void A_name_is_read_and_written(string name, uint index, long? offset, string folder)
    {
        Assert.True(LegacyFileKey.TryParse(Generation, name, out var key));
        Assert.Equal(new LegacyFileKey(Generation, index, offset), key);
        Assert.Equal($"generations/{Generation}/{folder}/{name}", key.ToString());
    }

    [Theory]
    [InlineData("0000002A.snapshot.lz4")]
    [InlineData("2a.snapshot.lz4")]
    [InlineData("0000002a.snapshot.lz4.tmp")]
    [InlineData("0000002a.wal.lz4")]
    [InlineData("80000000_00000000.wal.lz4")]
    [InlineData("00000000_8000000000000000.wal.lz4")]
    [InlineData("00000000_0000000.wal.lz4")]
    [InlineData("00000000_00000000.snapshot.lz4")]
    [InlineData("00000000_00000000.wal.lz4\n")]
    public void Another_name_is_refused(string name) => Assert.False(LegacyFileKey.TryParse(Generation, name, out _));

    [Theory]
    [InlineData(Generation, true)]
    [InlineData("0123456789abcde", false)]
    [InlineData("0123456789ABCDEF", false)]
    [InlineData("..", false)]
    public void A_generation_is_16_hexadecimal_digits(string name, bool isOne) => Assert.Equal(isOne, LegacyFileKey.IsGeneration(name));
}
