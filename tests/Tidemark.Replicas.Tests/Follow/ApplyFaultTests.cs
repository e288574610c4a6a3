using Tidemark.Formats;
using Tidemark.Replicas.Files;
using Tidemark.Replicas.Follow;
using Tidemark.Replicas.Stores;
using Tidemark.Testing.Files;
using Xunit;

namespace Tidemark.Replicas.Tests.Follow;

/// <summary>Whatever fails, and whenever the power does: SQLite finds the old state or the new one, and the follower goes on from
/// there.</summary>
public sealed class ApplyFaultTests : IDisposable
{
    private const string Output = "/data/copy.db";
    private readonly SqliteHistory _history = new();
    private readonly Dictionary<int, (string Path, byte[] Content)[]> _prepared = [];

    public ApplyFaultTests()
    {
        _history.Capture();
        _history.Grow(12);
        _history.Capture();
        _history.Do("UPDATE accounts SET note = randomblob(300) WHERE id % 4 = 1");
        _history.Capture();
        _history.Shrink();
        _history.Capture();
    }

    public static TheoryData<int, int, PowerLoss> Losses
    {
        get
        {
            var rows = new TheoryData<int, int, PowerLoss>();
            foreach (var loss in Enum.GetValues<PowerLoss>())
            {
                rows.Add(1, 2, loss); // Grows.
                rows.Add(2, 4, loss); // Shrinks, by two files.
            }

            return rows;
        }
    }

    [Theory]
    [MemberData(nameof(Losses))]
    public async Task A_power_loss_at_any_operation_leaves_the_old_state_or_the_new_one(int from, int to, PowerLoss loss)
    {
        var isDone = false;
        for (var failAt = 1; !isDone; failAt++)
        {
            for (var seed = 0; seed < (loss is PowerLoss.Mixed or PowerLoss.Unordered ? 3 : 1); seed++)
            {
                var disk = await PrepareAsync(from);
                var store = await StoreAsync(to);
                using (var step = Step(disk, store))
                {
                    disk.FailPowerAt(failAt);
                    isDone = await SucceedsAsync(step);
                }

                isDone &= !disk.PowerHasFailed;
                disk.Restart(loss, seed);
                AssertOldOrNew(disk, from, to, isDone, $"operation {failAt}, seed {seed}");
                await AssertGoesOnAsync(disk, store, to);
            }
        }
    }

    [Theory]
    [InlineData(FileFault.Error)]
    [InlineData(FileFault.DiskFull)]
    [InlineData(FileFault.ErrorAfterSuccess)]
    public async Task A_failure_of_any_operation_leaves_the_old_state_or_the_new_one(FileFault fault)
    {
        for (var failAt = 1; ; failAt++)
        {
            var disk = await PrepareAsync(2);
            var store = await StoreAsync(4);
            var faulty = new FaultyFileSystem(disk, failAt, fault);
            using var step = Step(faulty, store);
            var isDone = await SucceedsAsync(step);
            var hasFailed = faulty.HasFailed;
            AssertOldOrNew(disk, 2, 4, isDone, $"operation {failAt}");

            if (!hasFailed)
            {
                break;
            }

            // The same follower tries again, never has to begin from the beginning, and tells the state that it has come to. (Where the
            // failure was one that does not matter, that was told before.)
            var position = await step.RunAsync(TestContext.Current.CancellationToken);
            var expected = isDone ? FollowOutcome.Idle : FollowOutcome.Applied;
            Assert.Contains(position.Outcome, (FollowOutcome[])[expected, FollowOutcome.Resumed]);
            Assert.Equal(new Txid(4), position.Txid);
            AssertOldOrNew(disk, 4, 4, isDone: true, $"after operation {failAt}");
        }
    }

    [Theory]
    [InlineData(PowerLoss.Everything)]
    [InlineData(PowerLoss.Names)]
    [InlineData(PowerLoss.Contents)]
    [InlineData(PowerLoss.Mixed)]
    [InlineData(PowerLoss.Unordered)]
    public async Task A_power_loss_while_a_database_of_another_page_size_takes_its_place_leaves_the_old_state_or_the_new_one(PowerLoss loss)
    {
        using var other = OfAnotherPageSize();
        var store = await other.Files.StoreAsync("9:1-3 0:3-3");
        for (var (failAt, isDone) = (1, false); !isDone; failAt++)
        {
            var disk = await PrepareAsync(2);
            using (var step = Step(disk, store))
            {
                disk.FailPowerAt(failAt);
                isDone = await SucceedsAsync(step, disk) && !disk.PowerHasFailed;
            }

            disk.Restart(loss, failAt);
            AssertOldOrOther(disk, other, isDone, $"operation {failAt}");
            using var again = Step(disk, store);
            Assert.Equal(new Txid(3), (await again.RunAsync(TestContext.Current.CancellationToken)).Txid);
            AssertOldOrOther(disk, other, isDone: true, $"after operation {failAt}");
        }
    }

    [Theory]
    [InlineData(FileFault.Error)]
    [InlineData(FileFault.ErrorAfterSuccess)]
    public async Task A_failure_while_a_database_of_another_page_size_takes_its_place_leaves_the_old_state_or_the_new_one(FileFault fault)
    {
        using var other = OfAnotherPageSize();
        var store = await other.Files.StoreAsync("9:1-3 0:3-3");
        for (var failAt = 1; ; failAt++)
        {
            var disk = await PrepareAsync(2);
            var faulty = new FaultyFileSystem(disk, failAt, fault);
            using var step = Step(faulty, store);
            var isDone = await SucceedsAsync(step);
            AssertOldOrOther(disk, other, isDone, $"operation {failAt}");
            if (!faulty.HasFailed)
            {
                break;
            }

            Assert.Equal(new Txid(3), (await step.RunAsync(TestContext.Current.CancellationToken)).Txid);
            AssertOldOrOther(disk, other, isDone: true, $"after operation {failAt}");
        }
    }

    [Theory]
    [InlineData(PowerLoss.Everything)]
    [InlineData(PowerLoss.Mixed)]
    public async Task A_power_loss_while_a_journal_is_rolled_back_changes_nothing(PowerLoss loss)
    {
        var store = await StoreAsync(4);
        for (var (failAt, isDone) = (1, false); !isDone; failAt++)
        {
            var disk = await PrepareWithHotJournalAsync(store);
            disk.FailPowerAt(failAt);
            using (var step = Step(disk, store))
            {
                isDone = await SucceedsAsync(step) && !disk.PowerHasFailed;
            }

            disk.Restart(loss, failAt);
            AssertOldOrNew(disk, 2, 4, isDone, $"operation {failAt}");
            await AssertGoesOnAsync(disk, store, 4);
        }
    }

    public void Dispose() => _history.Dispose();

    private static FollowStep Step(IFileSystem disk, IReplicaStore store)
        => new(store, disk, TimeProvider.System, new FollowOptions { OutputPath = Output, Parallelism = 1, ReaderWait = TimeSpan.Zero });

    private static async Task<bool> SucceedsAsync(FollowStep step, MemoryFileSystem? disk = null)
    {
        try
        {
            await step.RunAsync(TestContext.Current.CancellationToken);
            return true;
        }
        catch (TidemarkException)
        {
            return false;
        }
        catch (IOException) when (disk is { PowerHasFailed: true })
        {
            return false; // Without power, also what cannot fail on a real disk fails.
        }
    }

    private Task<MemoryStore> StoreAsync(int last)
        => _history.Files.StoreAsync(string.Join(' ', Enumerable.Range(1, last).Select(txid => $"0:{txid}-{txid}")));

    /// <summary>A disk with a database that has followed up to a state.</summary>
    private async Task<MemoryFileSystem> PrepareAsync(int txid)
    {
        var disk = new MemoryFileSystem();
        if (!_prepared.TryGetValue(txid, out var files))
        {
            using var step = Step(disk, await StoreAsync(txid));
            await step.RunAsync(TestContext.Current.CancellationToken);
            _prepared[txid] = files = [.. disk.AllFiles.Select(path => (path, disk.ReadAllBytes(path)))];
        }

        var copy = new MemoryFileSystem();
        foreach (var (path, content) in files)
        {
            copy.WriteAllBytes(path, content);
        }

        return copy;
    }

    /// <summary>The process was killed when all pages were written and before the journal was deleted.</summary>
    private async Task<MemoryFileSystem> PrepareWithHotJournalAsync(MemoryStore store)
    {
        var disk = await PrepareAsync(2);
        for (var failAt = 1; ; failAt++)
        {
            var faulty = new FaultyFileSystem(disk, failAt);
            using var step = Step(faulty, store);
            await SucceedsAsync(step);
            if (disk.FileExists(Output + "-journal") && disk.ReadAllBytes(Output).Length == _history.Files.At(4).Length)
            {
                return disk;
            }

            disk = await PrepareAsync(2);
        }
    }

    private void AssertOldOrNew(MemoryFileSystem disk, int from, int to, bool isDone, string when)
    {
        var journal = disk.FileExists(Output + "-journal") ? disk.ReadAllBytes(Output + "-journal") : null;
        var found = Followed.ReadCopy(disk.ReadAllBytes(Output), journal);
        var isOld = !isDone && found.Length == _history.Files.At(from).Length;
        Followed.AssertSame(_history.Files.At(isOld ? from : to), found, when);
    }

    private static SqliteHistory OfAnotherPageSize()
    {
        var other = new SqliteHistory(pageSize: 4096);
        for (var capture = 0; capture < 3; capture++)
        {
            other.Grow(40);
            other.Capture();
        }

        return other;
    }

    private void AssertOldOrOther(MemoryFileSystem disk, SqliteHistory other, bool isDone, string when)
    {
        var journal = disk.FileExists(Output + "-journal") ? disk.ReadAllBytes(Output + "-journal") : null;
        var found = Followed.ReadCopy(disk.ReadAllBytes(Output), journal);
        var isOld = !isDone && found.Length == _history.Files.At(2).Length;
        Followed.AssertSame(isOld ? _history.Files.At(2) : other.Files.At(3), found, when);
    }

    private async Task AssertGoesOnAsync(MemoryFileSystem disk, MemoryStore store, int to)
    {
        using var step = Step(disk, store);
        var position = await step.RunAsync(TestContext.Current.CancellationToken);
        Assert.NotEqual(FollowOutcome.RestoredAgain, position.Outcome);
        Assert.Equal(new Txid((ulong)to), position.Txid);
        Followed.AssertSame(_history.Files.At(to), disk.ReadAllBytes(Output), "after a restart");
        Assert.Equal(
            [Output, Output + "-follow", Output + "-txid"],
            disk.AllFiles.Where(file => !file.EndsWith(".tidemark-follow", StringComparison.Ordinal))); // Whoever follows removes them.
    }
}
