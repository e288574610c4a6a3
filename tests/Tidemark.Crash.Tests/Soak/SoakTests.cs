using System.Globalization;
using Tidemark.Testing;
using Tidemark.Testing.Peers;
using Tidemark.Testing.Processes;
using Xunit;

namespace Tidemark.Crash.Tests.Soak;

/// <summary>The program as users run it, with intervals of seconds, so that what takes days otherwise happens in a minute.</summary>
/// <remarks>
/// TIDEMARK_SOAK_SECONDS says for how long (30 unless set, and longer until everything that must happen has happened), TIDEMARK_SOAK_SEED
/// with which seed, and TIDEMARK_PROGRAM which program replicates instead of the one built beside the tests.
/// </remarks>
public sealed class SoakTests(ITestOutputHelper output)
{
    private const int SecondsByDefault = 30;
    private const int SecondsMax = 300;
    private const int KillsMin = 4;
    private const int PauseMsMax = 150;

    private static readonly int[] s_levelsWithDeletions = [0, 1, 2, 3, 9];

    private static string Program
        => Environment.GetEnvironmentVariable("TIDEMARK_PROGRAM") is { Length: > 0 } path
            ? path
            : Path.Combine(AppContext.BaseDirectory, "tidemark");

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_replica_with_second_long_intervals_restores_every_kept_txid_at_every_moment(bool isKilled)
    {
        var seed = Setting("TIDEMARK_SOAK_SEED") ?? Random.Shared.Next(1_000_000);
        var random = new Random(seed);
        using var folder = new TemporaryFolder();
        using var writer = new SoakWriter(folder["app.db"], seed);
        var observer = new SoakObserver(folder.Path, folder["replica"], writer);
        var config = WriteConfig(folder);
        var kills = 0;
        var program = Start(config);
        try
        {
            writer.Start();
            var duration = TimeSpan.FromSeconds(Setting("TIDEMARK_SOAK_SECONDS") ?? SecondsByDefault);
            var started = TimeProvider.System.GetTimestamp();
            while (TimeProvider.System.GetElapsedTime(started) is var elapsed
                && (elapsed < duration || !observer.LevelsWithDeletions.IsSupersetOf(s_levelsWithDeletions) || (isKilled && kills < KillsMin)))
            {
                Assert.True(
                    elapsed < duration + TimeSpan.FromSeconds(SecondsMax),
                    $"Files were deleted only on the levels {string.Join(' ', observer.LevelsWithDeletions)}.");
                writer.ThrowIfFailed();
                Assert.False(program.HasExited, "The program has ended by itself.");
                await PauseAsync();
                if (SoakObserver.Boundaries(await observer.ListAsync(Token)) is { Length: > 0 } boundaries)
                {
                    await observer.RestoreAsync(boundaries[random.Next(boundaries.Length)], Token);
                }

                if (isKilled && random.Next(60) == 0)
                {
                    await program.KillAsync();
                    program.Dispose();
                    kills++;
                    await PauseAsync();
                    program = Start(config);
                }
            }

            await writer.StopAsync();
            await program.WaitUntilReplicatingAsync(Token);
            Assert.Equal(0, await program.StopAsync(Token));
            Assert.DoesNotContain(program.Lines, line => line.Contains("level=ERROR", StringComparison.Ordinal));
            Assert.True(isKilled || !program.Lines.Any(line => line.Contains("level=WARN", StringComparison.Ordinal)), "There are warnings.");
            await AssertEverybodyReadsAsync(folder["replica"], writer, observer);
            output.WriteLine($"seed {seed}: {writer.Count} transactions, {kills} kills, {observer.Restores} restores of "
                + $"{observer.RestoredTxids} TXIDs");
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            throw new InvalidOperationException($"TIDEMARK_SOAK_SEED={seed}, {kills} kills: {e.Message}\n{program.Words}", e);
        }
        finally
        {
            await program.KillAsync();
            program.Dispose();
            await writer.StopAsync();
        }

        Task PauseAsync() => Task.Delay(TimeSpan.FromMilliseconds(random.Next(PauseMsMax)), TimeProvider.System, Token);
    }

    // After an orderly end nothing is missing, and what is kept can be read by those who know nothing of this code.
    private static async Task AssertEverybodyReadsAsync(string replica, SoakWriter writer, SoakObserver observer)
    {
        var boundaries = SoakObserver.Boundaries(await observer.ListAsync(Token));
        foreach (var txid in boundaries)
        {
            await observer.RestoreAsync(txid, Token);
        }

        var source = writer.Database.Serialize();
        Assert.Equal(source, await observer.RestoreLatestAsync(Token));
        Assert.Equal(source, await LtxCheck.RestoreAsync(replica, txid: null));
        var (expected, view) = (LitestreamExtension.Expect(writer.Database), await LitestreamExtension.ReadAsync(replica));
        Assert.Equal(expected.Content, view.Content);
    }

    private static RoleProcess Start(string config) => RoleProcess.Start("tidemark", Program, ["replicate", "-config", config]);

    private static string WriteConfig(TemporaryFolder folder)
    {
        var path = folder["tidemark.yml"];
        using var writer = new StreamWriter(path);
        writer.Write(
            $$"""
            levels: [{interval: 1s}, {interval: 3s}, {interval: 9s}]
            l0-retention: 3s
            l0-retention-check-interval: 1s
            snapshot: {interval: 10s, retention: 20s}
            dbs:
              - path: {{folder["app.db"]}}
                checkpoint-interval: 2s
                min-checkpoint-page-count: 60
                replica: {path: {{folder["replica"]}}, sync-interval: 100ms}

            """);
        return path;
    }

    private static int? Setting(string variable)
        => Environment.GetEnvironmentVariable(variable) is { Length: > 0 } text ? int.Parse(text, CultureInfo.InvariantCulture) : null;
}
