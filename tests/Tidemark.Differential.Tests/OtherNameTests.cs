using Xunit;

namespace Tidemark.Differential.Tests;

/// <summary>The application reaches the file under another name, where it has a WAL of its own.</summary>
public sealed class OtherNameTests(PreparedDatabases databases, ITestOutputHelper output) : NamedCases(databases, output)
{
    [Theory]
    [InlineData(OtherName.BindMount, 0)]
    [InlineData(OtherName.BindMount, 2)]
    [InlineData(OtherName.HardLink, 0)]
    [InlineData(OtherName.HardLink, 2)]
    public Task The_application_writes_under_another_name_of_the_file_which_is_there_from_the_start(OtherName otherName, double seconds)
        => AssertSafeAsync(
            [
                ScriptAction.Start, ScriptAction.Insert("before", 20), ScriptAction.Pause(2), ScriptAction.Insert("more", 300), Checkpoint,
                ScriptAction.Pause(seconds), ScriptAction.Insert("then", 3), ScriptAction.Stop, ScriptAction.Start,
                ScriptAction.Insert("after", 300), ScriptAction.Pause(2), ScriptAction.Stop,
            ],
            $"{otherName}-{seconds}",
            otherName);

    // The frame that a replicator forces at its start is in its own WAL and knows the size that the file had then.
    [Theory]
    [InlineData(OtherName.BindMount, 0)]
    [InlineData(OtherName.BindMount, 0.1)]
    [InlineData(OtherName.BindMount, 0.5)]
    [InlineData(OtherName.HardLink, 0)]
    public Task Tidemark_starts_while_the_application_writes_under_another_name_of_the_file(OtherName otherName, double seconds)
        => AssertSafeAsync(
            [
                ScriptAction.StopCompanion, ScriptAction.Start, ScriptAction.Insert("before", 20), Checkpoint,
                ScriptAction.StartCompanion, ScriptAction.Pause(seconds), ScriptAction.Insert("more", 300), Checkpoint,
                ScriptAction.Pause(2), ScriptAction.Insert("then", 300), Checkpoint, ScriptAction.Pause(2), ScriptAction.Insert("last", 3),
                ScriptAction.Stop,
            ],
            $"{otherName}-{seconds}",
            otherName);
}
