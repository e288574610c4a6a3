using Xunit;

namespace Tidemark.Differential.Tests;

/// <summary>Files beside the database are removed while the application is stopped.</summary>
public sealed class RemovedFilesTests(PreparedDatabases databases, ITestOutputHelper output) : NamedCases(databases, output)
{
    [Theory]
    [InlineData("rm -f app.db-wal app.db-shm; cp $P/twin.db app.db")]
    [InlineData("rm -f app.db-wal app.db-shm; cp $P/small.db app.db")]
    [InlineData("cp $P/twin.db app.db; rm -f app.db-wal app.db-shm")]
    [InlineData("cp $P/small.db app.db; rm -f app.db-wal app.db-shm")]
    [InlineData("rm -f app.db*; cp $P/twin.db app.db")]
    [InlineData("rm -f app.db*; cp $P/small.db app.db")]
    [InlineData("rm -f app.db-wal app.db-shm; for i in $(seq 15); do $TIDEMARK restore -force -o app.db file://$P/replica && break; sleep 0.2; done")]
    public async Task Another_database_is_put_in_its_place_and_the_other_files_are_removed(string line)
    {
        await AssertSafeAsync([.. AtRest, Touch(FileTouch.Whole, line), .. ThreeRows], $"rest-{Digest(line)}");
        await AssertSafeAsync([.. Written, ScriptAction.Pause(0.1), Touch(FileTouch.Whole, line), .. ThreeRows], $"soon-{Digest(line)}");
    }

    [Theory]
    [InlineData("rm -f app.db-shm", false)]
    [InlineData("rm -f app.db-shm", true)]
    [InlineData("rm -f app.db-wal", false)]
    [InlineData("rm -f app.db-wal", true)]
    [InlineData("rm -f app.db-wal app.db-shm", false)]
    [InlineData("rm -f app.db-wal app.db-shm", true)]
    public async Task Files_of_a_database_that_only_Tidemark_has_open_are_removed(string line, bool isKilled)
    {
        ScriptAction[] end = isKilled ? [ScriptAction.KillCompanion] : [];
        await AssertSafeAsync(
            [.. AtRest, Touch(FileTouch.Index, line), .. ThreeRows, .. end], $"{Digest(line)}{(isKilled ? "-killed" : "")}");
        await AssertSafeAsync(
            [.. AtRest, Touch(FileTouch.Index, line), .. ThreeRows, ScriptAction.Pause(2), .. end],
            $"later-{Digest(line)}{(isKilled ? "-killed" : "")}");
    }
}
