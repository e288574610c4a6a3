using Tidemark.Formats;
using Tidemark.Replicas.Files;
using Tidemark.Replicas.Follow;
using Tidemark.Replicas.Restore;
using Tidemark.Replicas.Stores;
using Tidemark.Replicas.Tests.Follow;
using Tidemark.Replicas.Tests.Restore;
using Tidemark.Testing;
using Tidemark.Testing.Databases;
using Xunit;

namespace Tidemark.Replicas.Tests;

/// <summary>What an application does with the library, as docs/guide/library.md shows it.</summary>
public sealed class ReplicaTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly SqliteHistory _history = new();

    private string Url => $"file://{_folder["replica"]}";

    private string Database => _folder["app.db"];

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task An_application_restores_its_database_before_it_opens_it()
    {
        await ShipAsync(3);
        var reports = new Reports();

        var result = await Replica.Open(Url).RestoreAsync(
            new RestoreOptions { OutputPath = Database, Progress = reports }, cancellationToken: Token);

        Assert.Equal((new Txid(3), true), (result.Txid, result.IsProven));
        Assert.Equal((result.BytesRead, (long)result.Pages), (reports.Last.BytesTotal, reports.Last.PagesWritten));
        using var opened = SourceDatabase.Open(Database);
        Assert.Equal("ok", opened.Run("PRAGMA integrity_check"));
        Assert.Equal(60, opened.RunLong("SELECT count(*) FROM accounts"));
    }

    [Fact]
    public async Task An_older_state_is_restored_when_it_is_asked_for()
    {
        await ShipAsync(3);
        var options = new RestoreOptions { OutputPath = Database };
        var result = await Replica.Open(Url).RestoreAsync(options, new RestoreTarget.AtTxid(new Txid(2)), Token);
        Assert.Equal(new Txid(2), result.Txid);
        Followed.AssertSame(_history.Files.At(2), Followed.Read(Database));
    }

    [Fact]
    public async Task A_first_start_has_no_backup_and_a_cancelled_restore_leaves_nothing()
    {
        var options = new RestoreOptions { OutputPath = Database };
        await Assert.ThrowsAsync<NoMatchingBackupException>(
            async () => await Replica.Open(Url).RestoreAsync(options, cancellationToken: Token));
        await ShipAsync(1);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(
            async () => await Replica.Open(Url).RestoreAsync(options, cancellationToken: new CancellationToken(canceled: true)));
        Assert.False(PhysicalFileSystem.Instance.FileExists(Database));
    }

    [Fact]
    public async Task An_application_follows_and_reads_each_state()
    {
        await ShipAsync(1);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(Token);
        var options = new FollowOptions { OutputPath = Database, Interval = TimeSpan.FromMilliseconds(5) };
        var seen = new List<(FollowOutcome, Txid, long)>();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () =>
        {
            await foreach (var position in Replica.Open(Url).FollowAsync(options, stop.Token))
            {
                using (var reader = SourceDatabase.Open(Database, journalMode: "delete"))
                {
                    seen.Add((position.Outcome, position.Txid, reader.RunLong("SELECT count(*) FROM accounts")));
                }

                if (position.Txid == new Txid(3))
                {
                    await stop.CancelAsync();
                }
                else
                {
                    await ShipAsync((int)position.Txid.Value + 1);
                }
            }
        });

        Assert.Equal(
            [
                (FollowOutcome.Restored, new Txid(1), 20), (FollowOutcome.Applied, new Txid(2), 40),
                (FollowOutcome.Applied, new Txid(3), 60),
            ],
            seen);
    }

    public void Dispose()
    {
        _history.Dispose();
        _folder.Dispose();
    }

    /// <summary>Lets the source grow to a TXID, and writes what is not there yet to the replica.</summary>
    private async Task ShipAsync(int last)
    {
        var store = new LocalStore(_folder["replica"], PhysicalFileSystem.Instance);
        while ((int)_history.Files.Last.Value < last)
        {
            if (_history.Files.Last.Value > 0)
            {
                _history.Grow(10);
            }

            _history.Capture();
            var txid = _history.Files.Last;
            var file = Listing.ParseFile($"0:{txid.Value}-{txid.Value}");
            await store.WriteAsync(
                file.Key, History.TimeOf((int)txid.Value),
                new MemoryStream(_history.Files.File((int)txid.Value, (int)txid.Value)), Token);
        }
    }

    private sealed class Reports : IProgress<RestoreProgress>
    {
        public RestoreProgress Last { get; private set; }

        public void Report(RestoreProgress value) => Last = value;
    }
}
