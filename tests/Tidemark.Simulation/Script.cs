using Microsoft.Extensions.Logging.Abstractions;
using Tidemark.Formats;
using Tidemark.Replicas.Catalog;
using Tidemark.Replicas.Files;
using Tidemark.Replicas.Retention;
using Tidemark.Replication;
using Tidemark.Replication.Capture;
using Tidemark.Replication.Checkpoints;
using Tidemark.Replication.Health;
using Tidemark.Replication.Images;
using Tidemark.Replication.Scheduling;
using Tidemark.Testing;
using Tidemark.Testing.Databases;
using Tidemark.Testing.Files;

namespace Tidemark.Simulation;

/// <summary>One database and its destination, step by step, with nothing left to chance.</summary>
internal sealed class Script : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly HookedFileSystem _real = new();
    private readonly RoutingFileSystem _files;
    private readonly ReplicationScope _scope;
    private readonly Dictionary<string, string> _states = [];
    private bool _isRunning;

    public Script(Func<DatabaseOptions, DatabaseOptions>? configure = null)
    {
        Disk = new Disk(Own);
        _files = new RoutingFileSystem(Disk, _real, _folder.Path);
        _scope = new ReplicationScope(_files, Time, NullLogger.Instance, new ReplicationMetrics(static () => [])) { Random = new Random(1) };
        var options = new DatabaseOptions { DatabasePath = DatabasePath, Destinations = [] };
        Options = configure is null ? options : configure(options);
        Replica = new Replica(
            "the replica",
            _states,
            new RetentionOptions { SnapshotRetention = Options.SnapshotRetention, L0Retention = Options.L0Retention },
            Time);
        Source = SourceDatabase.Open(DatabasePath);
        Source.KeepWalOnClose();
        Source.CreateTable();
        Start();
    }

    public string DatabasePath => _folder["app.db"];

    public MemoryFileSystem Own { get; } = new();

    public Disk Disk { get; }

    public WorldClock Time { get; } = new();

    public DatabaseOptions Options { get; }

    public Replica Replica { get; }

    public SourceDatabase Source { get; private set; }

    public Spool Spool { get; private set; } = null!;

    public CapturedDatabase Database { get; private set; } = null!;

    public DestinationWorker Worker { get; private set; } = null!;

    public Txid Captured => Database.Position?.Txid ?? Txid.None;

    /// <summary>Called with the path before a file beside the database is opened by the engine.</summary>
    public Action<string>? Opening
    {
        set => _real.Opening = value;
    }

    public void Start()
    {
        Spool = Spool.Open(_files, "/spool");
        Database = new CapturedDatabase(DatabasePath, Spool, _files, Time, new CaptureSettings(64 << 20, TimeSpan.Zero, 1));
        Worker = new DestinationWorker(Replica, 0, Spool, Database.Lineage, Options, _scope);
        _isRunning = true;
    }

    public void Stop()
    {
        Database.Dispose();
        _isRunning = false;
    }

    public void Insert(int rows = 10)
    {
        Source.Insert(rows);
    }

    /// <summary>Another connection of the application runs a checkpoint.</summary>
    /// <returns>Whether it could not do all that it wanted.</returns>
    public bool ForeignCheckpoint(string mode)
    {
        using var other = SourceDatabase.Open(DatabasePath);
        other.KeepWalOnClose();
        other.Run("PRAGMA busy_timeout=0");
        return other.RunLong($"PRAGMA wal_checkpoint({mode})") == 1;
    }

    public CheckpointResult Checkpoint()
    {
        var result = new CheckpointStep(Database, new CheckpointPolicy(1, TimeSpan.Zero)).Run(CheckpointAction.Seal);
        Note();
        return result;
    }

    public void Capture()
    {
        while (CaptureStep.Run(Database).Outcome != CaptureOutcome.Idle)
        {
            // Until the newest capture is the source as it is.
        }

        Note();
    }

    public void Ship()
    {
        World.Wait(Worker.ShipAllAsync(CancellationToken.None, CancellationToken.None));
        TakeHead();
        if (Worker.WantedImage is { } wanted)
        {
            _ = FullImageStep.Run(Database, wanted.From);
            Note();
            Worker.Offer(Captured);
            Worker.OfferImage(wanted);
            World.Wait(Worker.ShipAllAsync(CancellationToken.None, CancellationToken.None));
        }
    }

    public void Replicate()
    {
        if (!Worker.IsReconciled)
        {
            Ship();
        }

        Capture();
        Worker.Offer(Captured);
        Ship();
        Spool.DeleteUpTo(Worker.Mended);
    }

    public void Maintain() => World.Wait(Worker.MaintainAsync(CancellationToken.None));

    /// <summary>The newest state at the destination is the source as it is.</summary>
    public void CheckNewest() => Replica.CheckNewestIs(Captured, World.Fingerprint(Source.Serialize()));

    /// <summary>Another file takes the place of the database, with the application stopped.</summary>
    public void ReplaceDatabase(ReadOnlySpan<byte> content)
    {
        Source.Dispose();
        Database.Close();
        foreach (var ending in (string[])["", "-wal", "-shm"])
        {
            File.Delete(DatabasePath + ending);
        }

        using (var file = PhysicalFileSystem.Instance.Open(DatabasePath, FileMode.CreateNew, FileAccess.ReadWrite))
        {
            file.Write(0, content);
        }

        Source = SourceDatabase.Open(DatabasePath);
        Source.KeepWalOnClose();
    }

    public void Dispose()
    {
        if (_isRunning)
        {
            Stop();
        }

        _scope.Dispose();
        Source.Dispose();
        _folder.Dispose();
    }

    private void TakeHead()
    {
        if (Worker.TakeHead() is { } head)
        {
            Database.NoteReplica(head.Txid, head.PageSize);
        }
    }

    private void Note()
    {
        var state = World.Fingerprint(Source.Serialize());
        foreach (var (level, name) in Spool.ListCaptures().Select(name => (Level.Captured, name))
            .Concat(Spool.ListImages().Select(name => (Spool.Images, name)))
            .Where(file => file.name.MaxTxid == Captured))
        {
            _states[World.Fingerprint(Own.ReadAllBytes(Spool.PathOf(new LtxFileKey(level, name))))] = state;
        }
    }
}
