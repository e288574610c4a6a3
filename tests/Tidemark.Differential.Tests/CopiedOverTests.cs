using Xunit;

namespace Tidemark.Differential.Tests;

/// <summary>The same file gets other content while the application is stopped.</summary>
public sealed class CopiedOverTests(PreparedDatabases databases, ITestOutputHelper output) : NamedCases(databases, output)
{
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
            [.. Written, ScriptAction.Pause(seconds), Touch(FileTouch.Part, $"cp $P/{other}.db app.db"), .. ThreeRows],
            $"{other}-{seconds}");
}
