using Tidemark.Replication.Databases;
using Xunit;

namespace Tidemark.Replication.Tests.Databases;

public sealed class SqliteVersionTests
{
    [Theory]
    [InlineData(0, false)]
    [InlineData(3_006_023, false)] // Without a WAL.
    [InlineData(3_007_000, true)]
    [InlineData(3_040_001, true)]
    [InlineData(3_044_005, true)]
    [InlineData(3_044_006, false)] // Mended in an older line.
    [InlineData(3_045_000, true)]
    [InlineData(3_050_006, true)]
    [InlineData(3_050_007, false)] // And in another one.
    [InlineData(3_051_000, true)]
    [InlineData(3_051_002, true)]
    [InlineData(3_051_003, false)]
    [InlineData(3_053_004, false)]
    public void Versions_with_the_wal_reset_bug_are_known(int number, bool hasBug)
        => Assert.Equal(hasBug, new SqliteVersion(number).HasWalResetBug);

    [Fact]
    public void A_version_is_written_as_people_write_it() => Assert.Equal("3.51.13", new SqliteVersion(3_051_013).ToString());

    [Fact]
    public void An_old_library_and_one_without_snapshots_are_unfit_for_live_databases()
    {
        Assert.Null(new SqliteVersion(3_051_003).WhyUnfit(hasSnapshots: true));
        Assert.Contains("3.51.2 is older than 3.51.3", new SqliteVersion(3_051_002).WhyUnfit(hasSnapshots: true), StringComparison.Ordinal);
        Assert.Contains("3.50.7 is older than 3.51.3", new SqliteVersion(3_050_007).WhyUnfit(hasSnapshots: true), StringComparison.Ordinal);
        Assert.Contains("SQLITE_ENABLE_SNAPSHOT", new SqliteVersion(3_053_000).WhyUnfit(hasSnapshots: false), StringComparison.Ordinal);
        SqliteLibrary.EnsureLoaded(); // The one that comes with Tidemark is fit.
    }
}
