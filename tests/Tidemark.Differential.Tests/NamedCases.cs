using System.Runtime.CompilerServices;
using Xunit;

namespace Tidemark.Differential.Tests;

/// <summary>
/// What people do to database files every day. All of it is safe without Tidemark, so the source must be whole with it too, with the same
/// rows, and the replica must be the source.
/// </summary>
public abstract class NamedCases(PreparedDatabases databases, ITestOutputHelper output)
{
    /// <summary>A checkpoint by the application.</summary>
    private protected static ScriptAction Checkpoint { get; } = ScriptAction.Sql("PRAGMA wal_checkpoint(TRUNCATE)");

    /// <summary>An application that has written, and closed the database.</summary>
    private protected static ScriptAction[] Written => [ScriptAction.Start, ScriptAction.Insert("before", 20), ScriptAction.Stop];

    /// <summary>And everybody else has had the time to see it.</summary>
    private protected static ScriptAction[] AtRest => [.. Written, ScriptAction.Settle];

    /// <summary>What an application does to what it finds.</summary>
    private protected static ScriptAction[] ThreeRows
        => [
            ScriptAction.Start, ScriptAction.Insert("after", 1), ScriptAction.Insert("after", 1), ScriptAction.Insert("after", 1),
            ScriptAction.Stop,
        ];

    private protected static ScriptAction Touch(FileTouch touch, string line) => ScriptAction.Shell(touch, line);

    private protected static string Digest(string line) => string.Concat(line.Where(char.IsAsciiLetterOrDigit));

    private protected async Task AssertSafeAsync(
        ScriptAction[] actions, string variant, OtherName otherName = OtherName.None, [CallerMemberName] string name = "")
    {
        var script = new Script($"{name} {variant}", actions) { IsSafe = true, OtherName = otherName };
        var folder = Path.Combine(Settings.Folder, $"{name}-{variant}".TrimEnd('-'));
        var verdict = await new Performance(script, folder, databases).RunAsync(TestContext.Current.CancellationToken);
        if (verdict.Excuse is not null)
        {
            output.WriteLine(verdict.Excuse);
        }

        Assert.True(verdict.Failure is null, $"{verdict.Failure}\nScript and logs are in {folder}");
    }
}
