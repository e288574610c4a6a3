using System.Globalization;
using Tidemark.Testing;
using Tidemark.Testing.Processes;
using Xunit;

namespace Tidemark.Differential.Tests;

/// <summary>An application's own checkpoints beside a writer, with and without Tidemark.</summary>
public sealed class CheckpointTests(ITestOutputHelper output)
{
    private const int Checkpoints = 400;
    private const int Writes = 400;

    // Without Tidemark, too, one checkpoint of some hundreds starves beside a writer. At the third an application gives up, and who keeps
    // checkpoints out by its nature makes it give up each time.
    private const int Starved = 3;
    private const int Attempts = 3;

    [Theory]
    [InlineData("TRUNCATE")]
    [InlineData("RESTART")]
    [InlineData("FULL")]
    public async Task Checkpoints_of_the_application_come_through_beside_a_writer(string mode)
    {
        for (var attempt = 1; ; attempt++)
        {
            var (busy, failed, log) = await TryAsync(mode);
            if (busy < Starved && failed < Starved)
            {
                return;
            }

            Assert.True(
                attempt < Attempts, $"{busy} of {Checkpoints} checkpoints came back busy, and {failed} of {Writes} writes failed\n{log}");
        }
    }

    private async Task<(int Busy, int Failed, string Log)> TryAsync(string mode)
    {
        using var folder = new TemporaryFolder();
        using var alone = new Nobody();
        await RunAsync(folder["alone"], mode, alone);

        using var replication = new Replication(folder["with"], folder["with/app.db"], Rhythm.Fast);
        try
        {
            var (busy, failed) = await RunAsync(folder["with"], mode, replication);
            await replication.StopAsync(TestContext.Current.CancellationToken);
            Assert.Equal(0, replication.ExitCode);
            return (busy, failed, replication.Log);
        }
        finally
        {
            await replication.KillAsync();
        }
    }

    private async Task<(int BusyCheckpoints, int FailedWrites)> RunAsync(string folder, string mode, ICompanion companion)
    {
        var cancelled = TestContext.Current.CancellationToken;
        Directory.CreateDirectory(folder);
        var database = Path.Combine(folder, Stage.DatabaseName);
        using var writer = RoleProcess.StartRole("application", database, "4096");
        using var checkpointer = RoleProcess.StartRole("application", database, "4096");
        try
        {
            await writer.WaitForAnswerAsync(cancelled);
            await writer.AskAsync($"sql {PreparedDatabases.Table}", cancelled);
            await checkpointer.WaitForAnswerAsync(cancelled);
            await companion.StartAsync(cancelled);
            if (companion is Replication replication)
            {
                await replication.WaitForFirstFileAsync(cancelled);
            }

            var writes = writer.AskAsync($"repeat {Writes} {PreparedDatabases.Insert("row", 3, 300)}", cancelled);
            var checkpoints = checkpointer.AskAsync($"checkpoints {mode} {Checkpoints}", cancelled);
            var (failed, longestWriteMs) = Numbers(await writes);
            var (busy, longestCheckpointMs) = Numbers(await checkpoints);
            output.WriteLine(
                $"{mode} {companion.GetType().Name}: {busy} of {Checkpoints} checkpoints busy, longest {longestCheckpointMs} ms; "
                + $"{failed} of {Writes} writes failed, longest {longestWriteMs} ms");
            await checkpointer.AskAsync("stop", cancelled);
            await writer.AskAsync("stop", cancelled);
            return (busy, failed);
        }
        finally
        {
            await writer.KillAsync();
            await checkpointer.KillAsync();
        }
    }

    private static (int Failed, int LongestMs) Numbers(string? answer)
        => answer?.Split(' ') is ["ok", var failed, var longest]
            ? (int.Parse(failed, CultureInfo.InvariantCulture), int.Parse(longest, CultureInfo.InvariantCulture))
            : throw new InvalidOperationException($"The application said {answer}.");
}
