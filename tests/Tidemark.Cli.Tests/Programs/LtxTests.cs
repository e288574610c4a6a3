using System.Text.Json;
using Tidemark.Testing;

namespace Tidemark.Cli.Tests.Programs;

public sealed class LtxTests
{
    [Fact]
    public async Task Level_0_is_listed_as_a_table()
    {
        var result = await RunningProgram.RunAsync("ltx", Replica.Url);

        Assert.Equal((0, ""), (result.ExitCode, result.Error));
        var lines = result.Output.TrimEnd('\n').Split('\n');
        Assert.Matches("^level  min_txid +max_txid +size +created$", lines[0]);
        Assert.All(lines.Skip(1), line
            => Assert.Matches(@"^0      [0-9a-f]{16}  [0-9a-f]{16}  \d+ +\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,3})?Z$", line));
        Assert.Contains($"  {Replica.MaxTxid}  ", lines[^1], StringComparison.Ordinal);
    }

    [Fact]
    public async Task All_levels_are_listed_as_json_from_the_lowest_up()
    {
        var result = await RunningProgram.RunAsync("ltx", "-json", "-level=all", Replica.Url);

        Assert.Equal(0, result.ExitCode);
        using var json = JsonDocument.Parse(result.Output);
        var levels = json.RootElement.EnumerateArray().Select(file => file.GetProperty("level").GetInt32()).ToArray();
        Assert.Equal([0, 1, 2, 9], levels.Distinct());
        Assert.Equal(levels.Order(), levels);
        Assert.Equal(
            ["level", "min_txid", "max_txid", "size", "timestamp"], json.RootElement[0].EnumerateObject().Select(field => field.Name));
    }

    [Fact]
    public async Task Where_there_is_no_replica_that_is_an_error_and_not_an_empty_table()
    {
        using var folder = new TemporaryFolder();
        var missing = await RunningProgram.RunAsync("ltx", $"file://{folder["nope"]}");
        Assert.Equal((1, ""), (missing.ExitCode, missing.Output));
        Assert.Equal($"Error: There is no folder {folder["nope"]}.", missing.FirstErrorLine);

        var empty = await RunningProgram.RunAsync("ltx", "-json", $"file://{folder.Path}");
        Assert.Equal((1, ""), (empty.ExitCode, empty.Output));
        Assert.Equal($"Error: {folder.Path} holds no replica: the folder is empty.", empty.FirstErrorLine);
    }

    [Fact]
    public async Task A_replica_of_litestream_0_3_is_an_error_that_says_what_works_with_it()
    {
        using var folder = new TemporaryFolder();
        LegacyReplica.CopyTo(folder);
        var result = await RunningProgram.RunAsync("ltx", $"file://{folder["replica"]}");
        Assert.Equal((1, ""), (result.ExitCode, result.Output));
        Assert.Contains("is a replica of Litestream 0.3", result.FirstErrorLine, StringComparison.Ordinal);
        Assert.Contains("Hint: tidemark restore reads it", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_empty_level_is_a_header_or_an_empty_list()
    {
        Assert.Equal("level  min_txid  max_txid  size  created\n",
            (await RunningProgram.RunAsync("ltx", "-level", "8", Replica.Url)).Output);
        Assert.Equal("[]\n", (await RunningProgram.RunAsync("ltx", "-level", "8", "-json", Replica.Url)).Output);
    }
}
