using System.Globalization;
using Microsoft.Data.Sqlite;
using SQLitePCL;
using Tidemark.Testing;
using Tidemark.Testing.Databases;
using Tidemark.Testing.Processes;
using Xunit;

namespace Tidemark.Crash.Tests;

/// <summary>A follower that is killed with SIGKILL again and again, also in the middle of applying, while others read what it
/// follows.</summary>
/// <remarks>TIDEMARK_CRASH_SECONDS and TIDEMARK_CRASH_SEED as for <see cref="CrashTests"/>.</remarks>
public sealed class FollowerCrashTests(ITestOutputHelper output) : IDisposable
{
    private const int SecondsByDefault = 60;
    private const int LifeMsMax = 700;
    private const int Readers = 2;
    private static readonly TimeSpan s_catchUpMax = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan s_pause = TimeSpan.FromMilliseconds(20);

    private readonly TemporaryFolder _folder = new();
    private readonly List<RoleProcess> _processes = [];
    private int _fullRestores;
    private int _applied;

    private string Source => _folder["source.db"];

    private string Replica => _folder["replica"];

    private string Copy => _folder["copy.db"];

    [Fact]
    public async Task Whenever_the_follower_is_killed_readers_see_whole_states_and_it_goes_on_without_a_full_restore()
    {
        var seed = Setting("TIDEMARK_CRASH_SEED") ?? Random.Shared.Next(1_000_000);
        var duration = TimeSpan.FromSeconds(Setting("TIDEMARK_CRASH_SECONDS") ?? SecondsByDefault);
        var random = new Random(seed);
        var time = TimeProvider.System;
        var started = time.GetTimestamp();
        output.WriteLine($"seed {seed}");
        string Seed() => random.Next().ToString(CultureInfo.InvariantCulture);

        var bank = await StartAsync("bank", Source, Seed());
        await StartAsync("replicator", Source, Replica, Seed());
        await UntilAsync(
            () => Directory.Exists(Replica) && Directory.EnumerateFiles(Replica, "*.ltx", SearchOption.AllDirectories).Any());
        var follower = await StartFollowerAsync(Seed());
        for (var i = 0; i < Readers; i++)
        {
            await StartAsync("reader", Copy, Seed());
        }

        var (kills, journals) = (0, 0);
        while (time.GetElapsedTime(started) < duration)
        {
            await Task.Delay(TimeSpan.FromMilliseconds(random.Next(LifeMsMax)), time, TestContext.Current.CancellationToken);
            await follower.KillAsync();
            _processes.Remove(follower);
            kills++;
            journals += File.Exists(Copy + "-journal") ? 1 : 0;
            AssertNobodyGaveUp();
            follower = random.Next(4) == 0 ? StartFollower(Seed()) : await StartFollowerAsync(Seed());
            if (random.Next(5) == 0)
            {
                var goal = Number(Source, "wal");
                await UntilAsync(() => Number(Copy, "delete") >= goal);
            }
        }

        Assert.Equal(0, await bank.StopAsync(TestContext.Current.CancellationToken));
        _processes.Remove(bank);
        var last = Number(Source, "wal");
        await UntilAsync(() => Number(Copy, "delete") == last);
        AssertNobodyGaveUp();
        foreach (var process in _processes.ToArray())
        {
            await process.KillAsync();
        }

        output.WriteLine($"{kills} kills, {journals} of them while it applied, {_applied} batches, {last} transactions");
        Assert.Equal(1, _fullRestores);
        Assert.True(_applied > kills / 4, $"{_applied} batches were applied in {kills} lives.");
        Assert.Equal(FollowedPages.Neutral(SourceState.Read(Source)), FollowedPages.Neutral(SourceState.Read(Copy)));
    }

    public void Dispose()
    {
        foreach (var process in _processes)
        {
            process.KillAsync().GetAwaiter().GetResult();
        }

        _folder.Dispose();
    }

    private static int? Setting(string variable)
        => Environment.GetEnvironmentVariable(variable) is { Length: > 0 } text ? int.Parse(text, CultureInfo.InvariantCulture) : null;

    private static long Number(string path, string journalMode)
    {
        while (true)
        {
            try
            {
                using var database = SourceDatabase.Open(path, journalMode: journalMode);
                return database.RunLong("SELECT number FROM last");
            }
            catch (SqliteException e) when (e.SqliteErrorCode is raw.SQLITE_BUSY)
            {
                // The follower is faster; it is asked again.
            }
        }
    }

    private RoleProcess StartFollower(string seed)
    {
        var process = RoleProcess.StartRole("follower", Replica, Copy, seed);
        process.Said += line =>
        {
            if (line.StartsWith("Restored", StringComparison.Ordinal))
            {
                Interlocked.Increment(ref _fullRestores);
            }
            else if (line.StartsWith("Applied", StringComparison.Ordinal))
            {
                Interlocked.Increment(ref _applied);
            }
        };
        _processes.Add(process);
        return process;
    }

    private async Task<RoleProcess> StartFollowerAsync(string seed)
    {
        var process = StartFollower(seed);
        await process.WaitUntilReadyAsync(s_catchUpMax, TestContext.Current.CancellationToken);
        return process;
    }

    private async Task<RoleProcess> StartAsync(params IReadOnlyList<string> arguments)
    {
        var process = RoleProcess.StartRole(arguments);
        _processes.Add(process);
        await process.WaitUntilReadyAsync(TimeSpan.FromSeconds(2), TestContext.Current.CancellationToken);
        return process;
    }

    private async Task UntilAsync(Func<bool> condition)
    {
        var started = TimeProvider.System.GetTimestamp();
        while (!condition())
        {
            AssertNobodyGaveUp();
            Assert.True(TimeProvider.System.GetElapsedTime(started) < s_catchUpMax, "It does not catch up.");
            await Task.Delay(s_pause, TimeProvider.System, TestContext.Current.CancellationToken);
        }
    }

    private void AssertNobodyGaveUp()
    {
        foreach (var process in _processes)
        {
            Assert.False(process.HasExited, $"ended by itself: {process.Words}");
        }
    }
}
