using System.Runtime.CompilerServices;
using Xunit;

namespace Tidemark.Differential.Tests;

/// <summary>
/// What people do to database files every day. All of it is safe without Tidemark, so the source must be whole with it too, with the same
/// rows, and the replica must be the source.
/// </summary>
public sealed class NamedCaseTests : IClassFixture<NamedCaseTests.Fixture>
{
    private static readonly TimeSpan s_someTime = TimeSpan.FromSeconds(2);
    private readonly PreparedDatabases _databases;
    private readonly ITestOutputHelper _output;

    public NamedCaseTests(Fixture fixture, ITestOutputHelper output) => (_databases, _output) = (fixture.Databases, output);

    private static readonly ScriptAction s_checkpoint = ScriptAction.Sql("PRAGMA wal_checkpoint(TRUNCATE)");

    // An application that has written and closed the database, and everybody else has had the time to see it.
    private static ScriptAction[] AtRest
        => [ScriptAction.Start, ScriptAction.Insert("before", 20), ScriptAction.Stop, ScriptAction.Settle];

    private static ScriptAction[] Written => [ScriptAction.Start, ScriptAction.Insert("before", 20), ScriptAction.Stop];

    private static ScriptAction[] ThreeRows
        => [
            ScriptAction.Start, ScriptAction.Insert("after", 1), ScriptAction.Insert("after", 1), ScriptAction.Insert("after", 1),
            ScriptAction.Stop,
        ];

    [Theory]
    [InlineData("twin")]
    [InlineData("large")]
    [InlineData("small")]
    [InlineData("sized")]
    [InlineData("rollback")]
    public Task Another_database_is_copied_over_one_at_rest(string other)
        => AssertSafeAsync([.. AtRest, Touch(FileTouch.Part, $"cp $P/{other}.db app.db"), .. ThreeRows], other);

    [Theory]
    [InlineData("twin", 0.1)]
    [InlineData("twin", 0.5)]
    [InlineData("twin", 2)]
    [InlineData("small", 0.1)]
    [InlineData("small", 0.5)]
    [InlineData("small", 2)]
    public Task Another_database_is_copied_over_it_soon_after_the_application_has_closed_it(string other, double seconds)
        => AssertSafeAsync(
            [.. Written, ScriptAction.Pause(seconds), Touch(FileTouch.Part, $"cp $P/{other}.db app.db"), .. ThreeRows], $"{other}-{seconds}");

    [Theory]
    [InlineData("twin")]
    [InlineData("small")]
    public Task Another_file_takes_the_place_of_one_at_rest(string other)
        => AssertSafeAsync([.. AtRest, Touch(FileTouch.Part, $"cp $P/{other}.db new.db; mv new.db app.db"), .. ThreeRows], other);

    [Theory]
    [InlineData("twin", 0.1)]
    [InlineData("small", 2)]
    public Task Another_file_takes_its_place_soon_after_the_application_has_closed_it(string other, double seconds)
        => AssertSafeAsync(
            [.. Written, ScriptAction.Pause(seconds), Touch(FileTouch.Part, $"cp $P/{other}.db new.db; mv new.db app.db"), .. ThreeRows],
            $"{other}-{seconds}");

    [Theory]
    [InlineData("rm -f app.db-wal app.db-shm; cp $P/twin.db app.db")]
    [InlineData("rm -f app.db-wal app.db-shm; cp $P/small.db app.db")]
    [InlineData("cp $P/twin.db app.db; rm -f app.db-wal app.db-shm")]
    [InlineData("cp $P/small.db app.db; rm -f app.db-wal app.db-shm")]
    [InlineData("rm -f app.db*; cp $P/twin.db app.db")]
    [InlineData("rm -f app.db*; cp $P/small.db app.db")]
    [InlineData("rm -f app.db-wal app.db-shm; $TIDEMARK restore -force -o app.db file://$P/replica")]
    public async Task Another_database_is_put_in_its_place_and_the_other_files_are_removed(string line)
    {
        await AssertSafeAsync([.. AtRest, Touch(FileTouch.Whole, line), .. ThreeRows], $"rest-{Digest(line)}");
        await AssertSafeAsync([.. Written, ScriptAction.Pause(0.1), Touch(FileTouch.Whole, line), .. ThreeRows], $"soon-{Digest(line)}");
    }

    [Theory]
    [InlineData("")]
    [InlineData("rm -f app.db*; ")]
    public Task The_files_are_saved_and_put_back_together(string before)
        => AssertSafeAsync(
            [
                .. AtRest, Touch(FileTouch.Whole, "mkdir saved; cp app.db* saved/"), .. ThreeRows, ScriptAction.Settle,
                Touch(FileTouch.Whole, $"{before}cp saved/* ."), .. ThreeRows,
            ],
            before.Length == 0 ? "over" : "anew");

    [Fact]
    public Task A_database_is_deleted_and_made_anew()
        => AssertSafeAsync([.. AtRest, Touch(FileTouch.Whole, "rm -f app.db*"), ScriptAction.Pause(0.5), .. ThreeRows], "");

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
            [.. AtRest, Touch(FileTouch.Index, line), .. ThreeRows, ScriptAction.Pause(s_someTime.TotalSeconds), .. end],
            $"later-{Digest(line)}{(isKilled ? "-killed" : "")}");
    }

    [Theory]
    [InlineData(OtherName.BindMount, 0)]
    [InlineData(OtherName.BindMount, 2)]
    [InlineData(OtherName.HardLink, 0)]
    [InlineData(OtherName.HardLink, 2)]
    public Task The_application_writes_under_another_name_of_the_file_which_is_there_from_the_start(OtherName otherName, double seconds)
        => AssertSafeAsync(
            [
                ScriptAction.Start, ScriptAction.Insert("before", 20), ScriptAction.Pause(2), ScriptAction.Insert("more", 300), s_checkpoint,
                ScriptAction.Pause(seconds), ScriptAction.Insert("then", 3), ScriptAction.Stop, ScriptAction.Start,
                ScriptAction.Insert("after", 300), ScriptAction.Pause(2), ScriptAction.Stop,
            ],
            $"{otherName}-{seconds}",
            script => script with { OtherName = otherName });

    // The frame that a replicator forces at its start is in its own WAL and knows the size that the file had then.
    [Theory]
    [InlineData(OtherName.BindMount, 0)]
    [InlineData(OtherName.BindMount, 0.1)]
    [InlineData(OtherName.BindMount, 0.5)]
    [InlineData(OtherName.HardLink, 0)]
    public Task Tidemark_starts_while_the_application_writes_under_another_name_of_the_file(OtherName otherName, double seconds)
        => AssertSafeAsync(
            [
                ScriptAction.StopCompanion, ScriptAction.Start, ScriptAction.Insert("before", 20), s_checkpoint,
                ScriptAction.StartCompanion, ScriptAction.Pause(seconds), ScriptAction.Insert("more", 300), s_checkpoint,
                ScriptAction.Pause(2), ScriptAction.Insert("then", 300), s_checkpoint, ScriptAction.Pause(2), ScriptAction.Insert("last", 3),
                ScriptAction.Stop,
            ],
            $"{otherName}-{seconds}",
            script => script with { OtherName = otherName });

    private static ScriptAction Touch(FileTouch touch, string line) => ScriptAction.Shell(touch, line);

    private static string Digest(string line) => string.Concat(line.Where(char.IsAsciiLetterOrDigit));

    private async Task AssertSafeAsync(
        ScriptAction[] actions, string variant, Func<Script, Script>? change = null, [CallerMemberName] string name = "")
    {
        var script = new Script($"{name} {variant}", actions) { IsSafe = true };
        var folder = Path.Combine(Settings.Folder, $"{name}-{variant}".TrimEnd('-'));
        var verdict = await new Performance(change is null ? script : change(script), folder, _databases)
            .RunAsync(TestContext.Current.CancellationToken);
        if (verdict.Excuse is not null)
        {
            _output.WriteLine(verdict.Excuse);
        }

        Assert.True(verdict.Failure is null, $"{verdict.Failure}\nScript and logs are in {folder}");
    }

    /// <summary>The databases, once for all cases.</summary>
    public sealed class Fixture : IDisposable
    {
        internal PreparedDatabases Databases { get; } = new();

        public void Dispose() => Databases.Dispose();
    }
}
