using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using Tidemark.Replicas.Files;
using Tidemark.Replicas.Stores;
using Tidemark.Replication.Health;
using Tidemark.Replication.Scheduling;
using Tidemark.Testing;
using Tidemark.Testing.Databases;
using Xunit;

namespace Tidemark.Replication.Tests.Scheduling;

/// <summary>How soon a change of a database at rest is found that no notice tells of.</summary>
public sealed class RestingDatabaseTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly FakeTimeProvider _time = new(new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero));
    private readonly SourceDatabase _source;
    private readonly ReplicationScope _scope;
    private readonly DatabaseWorker _worker;
    private readonly CancellationTokenSource _stop = new();

    public RestingDatabaseTests()
    {
        _source = SourceDatabase.Open(_folder["app.db"]);
        _source.CreateTable();
        _scope = new ReplicationScope(PhysicalFileSystem.Instance, _time, NullLogger.Instance, new ReplicationMetrics(static () => []));
        var options = new DatabaseOptions
        {
            DatabasePath = _folder["app.db"],
            Destinations = [new MemoryStore()],
            ShutdownTimeout = TimeSpan.Zero,
        };
        _worker = new DatabaseWorker(options, mustBegin: true, _scope);
    }

    public void Dispose()
    {
        _worker.Dispose();
        _scope.Dispose();
        _source.Dispose();
        _stop.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public async Task Where_notices_get_lost_it_is_found_within_eight_intervals()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "There are no notices elsewhere.");
        var run = await StartAndRestAsync();
        using var isHeard = new ManualResetEventSlim();
        using var isDeaf = new SemaphoreSlim(0);
        MakeWatchDeaf(isDeaf, isHeard);

        for (var round = 0; round < 3; round++)
        {
            var before = Captured;
            _source.Insert(10);
            Sweep(8);
            await WaitUntilAsync(() => Captured > before);
            await RestAsync();
        }

        isHeard.Set();
        await StopAsync(run);
    }

    [Fact]
    public async Task Where_no_notice_is_awaited_it_is_found_within_one_interval()
    {
        _scope.Watch.Dispose();
        var run = await StartAndRestAsync();

        for (var round = 0; round < 3; round++)
        {
            var before = Captured;
            _source.Insert(10);
            Sweep(1);
            await WaitUntilAsync(() => Captured > before, sweeps: true); // A sweep that meets a step at work leaves it to the next one.
            await RestAsync();
        }

        await StopAsync(run);
    }

    [Fact]
    public async Task Where_notices_come_it_is_found_without_a_look()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "There are no notices elsewhere.");
        var run = await StartAndRestAsync();

        for (var round = 0; round < 3; round++)
        {
            var before = Captured;
            _source.Insert(10);
            await WaitUntilAsync(() => Captured > before);
            await RestAsync();
        }

        await StopAsync(run);
    }

    private ulong Captured => _worker.GetStatus().Captured.Value;

    private async Task<Task<bool>> StartAndRestAsync()
    {
        var run = Task.Run(() => _worker.RunAsync(_stop.Token, _stop.Token), TestContext.Current.CancellationToken);
        await WaitUntilAsync(() => Captured > 0);
        await RestAsync();
        return run;
    }

    // Until the WAL is watched again, nobody waits for a commit any more, and it was looked in vain often enough.
    private async Task RestAsync()
    {
        for (var i = 0; i < 100; i++)
        {
            Sweep(1);
            await Task.Delay(TimeSpan.FromMilliseconds(1), TimeProvider.System, TestContext.Current.CancellationToken);
        }
    }

    private void Sweep(int times)
    {
        for (var i = 0; i < times; i++)
        {
            _time.Advance(_worker.MonitorInterval);
            _worker.Sweep();
        }
    }

    // Its only thread does not come back from a handler, as it does not come along when there is too much to tell.
    private void MakeWatchDeaf(SemaphoreSlim isDeaf, ManualResetEventSlim end)
    {
        var path = _folder["watched"];
        using var file = PhysicalFileSystem.Instance.Open(path, FileMode.Create, FileAccess.ReadWrite);
        Assert.True(_scope.Watch.TryArmContent(
            path,
            () =>
            {
                isDeaf.Release();
                end.Wait();
            }));
        file.Write(0, [1]);
        isDeaf.Wait(TestContext.Current.CancellationToken);
    }

    private async Task StopAsync(Task run)
    {
        await _stop.CancelAsync();
        await run;
    }

    // Nobody sweeps meanwhile, but time passes for who waits for a commit, and between two captures.
    private async Task WaitUntilAsync(Func<bool> hasHappened, bool sweeps = false)
    {
        for (var waited = 1; !hasHappened(); waited++)
        {
            if (sweeps && waited % 100 == 0)
            {
                Sweep(1);
            }

            _time.Advance(TimeSpan.FromMilliseconds(10));
            await Task.Delay(TimeSpan.FromMilliseconds(1), TimeProvider.System, TestContext.Current.CancellationToken);
        }
    }
}
