using Xunit;

namespace Tidemark.Differential.Tests;

/// <summary>Another file takes the place of the database while the application is stopped.</summary>
public sealed class OtherFileTests(PreparedDatabases databases, ITestOutputHelper output) : NamedCases(databases, output)
{
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
}
