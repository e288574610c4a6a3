using System.Security.Cryptography;
using Microsoft.Extensions.Logging.Abstractions;
using Tidemark.Formats;
using Tidemark.Formats.Ltx;
using Tidemark.Replicas.Catalog;
using Tidemark.Replicas.Files;
using Tidemark.Replicas.Leases;
using Tidemark.Replicas.Restore;
using Tidemark.Replicas.Retention;
using Tidemark.Replicas.Stores;
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

/// <summary>
/// A whole replication, driven by one seed: an application on a real SQLite, foreign checkpoints and readers, captures, uploads, compaction,
/// snapshots and retention on stores that fail, stall, lag and decay, a disk that fails and fills up, crashes, losses of power, clocks that are
/// set, and restores. The oracle is SQLite's own serialisation of the source at each capture.
/// </summary>
internal sealed class World : IDisposable
{
    private const string SpoolPath = "/spool/.app.db-tidemark";

    private static readonly int[] s_pageSizes = [512, 1024, 4096, 8192, 65536];
    private static readonly string[] s_checkpointModes = ["PASSIVE", "FULL", "RESTART", "TRUNCATE"];

    private readonly Random _random;
    private readonly TemporaryFolder _folder = new();
    private readonly MemoryFileSystem _own = new();
    private readonly Disk _disk;
    private readonly RoutingFileSystem _files;
    private readonly WorldClock _time;
    private readonly ReplicationScope _scope;
    private readonly DatabaseOptions _options;
    private readonly RetentionOptions _retention;
    private readonly List<Destination> _destinations = [];
    // by the content of the file that leads to them: a lost spool gives its TXIDs away again
    private readonly Dictionary<string, string> _states;
    private readonly List<(Replica Replica, RestorePlan Plan, DateTimeOffset PlannedAt)> _restores = [];
    private readonly List<string> _trace = [];
    private readonly int _pageSize;
    private readonly long _bytesMax;
    private readonly bool _filesDecay;
    private readonly bool _clockIsSet;
    private readonly double _stallRate;
    private readonly (int Weight, string Name, Action Run)[] _actions;

    private SourceDatabase _source = null!;
    private SourceDatabase? _reader;
    private Spool _spool = null!;
    private CapturedDatabase _database = null!;
    private CheckpointStep _checkpoint = null!;
    private byte[]? _olderCopy;
    private List<(string Path, byte[] Content)>? _olderSpool;
    private long _durableWalLength;
    private bool _checkpointsByItself;

    // Whether destinations may hold histories that have nothing to do with each other, which looks like another writer after a start.
    private bool _hasOtherLineage;
    private readonly HashSet<Lineage> _lostLineages = [];
    private int _lostSpools;

    // A person does not sync what they put back, so a loss of power may cut it short.
    private bool _spoolWasPutBack;
    private bool _spoolMayBeTorn;

    public World(int seed)
        : this(seed, null)
    {
    }

    // A second process with a copy of everything, which writes to the same destinations.
    private World(int seed, World? original)
    {
        _random = new Random(seed);
        _pageSize = original?._pageSize ?? s_pageSizes[_random.Next(s_pageSizes.Length)];
        _bytesMax = _random.Next(3) == 0 ? 16 * 1024 : 64 << 20;
        _filesDecay = original is null && _random.Next(3) == 0;
        _clockIsSet = original is null && _random.Next(3) == 0;
        _stallRate = _random.Next(2) * 0.05;
        _disk = new Disk(_own);
        _files = new RoutingFileSystem(_disk, PhysicalFileSystem.Instance, _folder.Path);
        (_time, _states) = (original?._time ?? new WorldClock(), original?._states ?? []);
        _scope = new ReplicationScope(_files, _time, NullLogger.Instance, new ReplicationMetrics(static () => [])) { Random = _random };
        _options = original?._options ?? OptionsFor(_random);
        _retention = new RetentionOptions { SnapshotRetention = _options.SnapshotRetention, L0Retention = _options.L0Retention };
        if (original is null)
        {
            AddDestination();
        }
        else
        {
            CopyOf(original);
        }

        _actions =
        [
            (30, "write", Write),
            (4, "write much", WriteMuch),
            (3, "vacuum", () => _source.Run("VACUUM")),
            (3, "incremental vacuum", () => _source.Run("PRAGMA incremental_vacuum(20)")),
            (3, "roll back", RollBack),
            (6, "foreign checkpoint", ForeignCheckpoint),
            (3, "foreign reader", ForeignReader),
            (3, "restart the application", RestartApplication),
            (30, "capture", () => Capture()),
            (8, "checkpoint", Checkpoint),
            (30, "ship", Ship),
            (15, "maintain", () => Maintain(Any())),
            (6, "let a call go on", () => Any().GoOn()),
            (6, "restore", () => Any().Replica.CheckPromised(_random)),
            (3, "plan a restore", PlanRestore),
            (3, "carry out a restore", CarryOutRestore),
            (3, "kill", Kill),
            (2, "stop in order", StopInOrder),
            (2, "lose power soon", () => _own.FailPowerAt(1 + _random.Next(40))),
            (1, "lose power of everything", LosePowerOfEverything),
            (1, "lose the spool", LoseSpool),
            (1, "copy the spool", CopySpool),
            (1, "put the older spool back", PutOlderSpoolBack),
            (1, "copy the database", () => _olderCopy = _source.Serialize()),
            (1, "put the older database back", PutOlderDatabaseBack),
            (1, "add a destination", AddDestination),
            (1, "a destination dies", () => Any().IsDead = true),
            (3, "a destination comes back", () => Any().IsDead = false),
            (1, "a file decays", Decay),
            (1, "listings lag", ListLate),
            (2, "the disk fails soon", () => _disk.FailAt(1 + _random.Next(60))),
            (1, "the disk is full", () => _disk.IsFull = true),
            (4, "there is room on the disk", () => _disk.IsFull = false),
            (1, "the clock is set", SetClock),
            (8, "time passes", () => _time.Advance(TimeSpan.FromSeconds(_random.Next(90)))),
            (3, "much time passes", () => _time.Advance(TimeSpan.FromMinutes(_random.Next(600)))),
        ];
        OpenSource();
        Start();
    }

    public int Captures { get; private set; }

    public int Faults { get; private set; }

    /// <summary>Whether another process was found to write to the same place, and this one has stopped.</summary>
    public bool HasStopped { get; private set; }

    public int Compactions => _destinations.Sum(destination => destination.Replica.Compactions);

    public int Deletions => _destinations.Sum(destination => destination.Replica.Deletions);

    public int Restores => _destinations.Sum(destination => destination.Replica.Restores);

    private string DatabasePath => _folder["app.db"];

    /// <summary>What happened, for the report of a failure.</summary>
    public string Trace => string.Join('\n', _trace);

    public static void Check(bool holds, string what)
    {
        if (!holds)
        {
            throw new SimulationException("This does not hold: " + what);
        }
    }

    public static string Fingerprint(byte[] image) => Convert.ToHexString(SHA256.HashData(image));

    public static T Wait<T>(ValueTask<T> task) => task.AsTask().GetAwaiter().GetResult();

    public static void Wait(ValueTask task) => task.AsTask().GetAwaiter().GetResult();

    public static void Wait(Task task) => task.GetAwaiter().GetResult();

    public static T Wait<T>(Task<T> task) => task.GetAwaiter().GetResult();

    public void Run(int steps)
    {
        for (var step = 0; step < steps; step++)
        {
            Step();
        }

        End();
    }

    /// <summary>One thing happens.</summary>
    public void Step()
    {
        var pick = _random.Next(_actions.Sum(action => action.Weight));
        var action = _actions.First(candidate => (pick -= candidate.Weight) < 0);
        Do(action.Name, action.Run);
    }

    /// <summary>Faults end, and everything has to come right by itself.</summary>
    public void End()
    {
        _trace.Add($"{_trace.Count}: the end");
        Settle();
    }

    public void Dispose()
    {
        _destinations.ForEach(destination => destination.Dispose());
        _scope.Dispose();
        _database.Dispose();
        _reader?.Dispose();
        _source.Dispose();
        _folder.Dispose();
    }

    private void Do(string name, Action run)
    {
        var (isConflict, isLost) = (false, false);
        _trace.Add($"{_trace.Count}: {name}");
        try
        {
            run();
        }
        catch (Exception e) when (e is TidemarkException or IOException)
        {
            // Injected faults and busy databases: reported, and tried again by whatever comes later.
            Faults++;
            _trace[^1] += $" -> {e.GetType().Name}: {e.Message}";
            Check(e is not WalMismatchException, "the WAL is what SQLite says, whatever others do: " + e.Message);
            isConflict = e is ReplicaConflictException;
            isLost = IsLost(e);
        }

        _trace[^1] += $" [{_database.Position?.Txid.Value} | {string.Join(' ', _destinations.Select(d => d.Worker.Shipped.Value))}]";
        foreach (var destination in _destinations)
        {
            destination.Replica.CheckFiles();
        }

        if (_own.PowerHasFailed)
        {
            _trace.Add($"{_trace.Count}: the power has failed");
            RestartAfterPowerLoss();
        }
        else
        {
            Check(
                _disk.HasFailed || !_own.AllFiles.Any(path => path.EndsWith(".tmp", StringComparison.Ordinal)
                    && !path.EndsWith("/pages.tmp", StringComparison.Ordinal)),
                "no temporary file stays: " + string.Join(' ', _own.AllFiles));
        }

        HasStopped |= isConflict && _destinations.Any(destination => destination.Replica.HasTwoWriters);
        if (isConflict && !HasStopped)
        {
            Do("a person looks after the conflict", Resolve);
        }

        // Where a listing told less than there is, the next one tells more.
        var wasDamaged = _destinations.Any(destination => destination.Replica.WasDamaged);
        Check(!isLost || wasDamaged || _destinations.Any(destination => destination.Replica.WasListedLate), "nothing was lost");
        if (isLost && wasDamaged && _random.Next(3) == 0)
        {
            Do("a person says that what is lost is lost", Refill);
        }
    }

    // Another writer is reported when there is one, and when something looks like one. It takes a person to say that there is none, and to do
    // what the message says while all destinations answer.
    private void Resolve()
    {
        var isAnotherDatabase = _lostSpools > 0 && _destinations.Any(destination => destination.Worker.Refusal is not null);
        Check(
            _hasOtherLineage || isAnotherDatabase || _destinations.Any(destination => destination.Replica.WasListedLate),
            "there is no other writer");
        _hasOtherLineage = true;
        TakeOver(LoseSpool);
    }

    private void TakeOver(Action start)
    {
        _destinations.ForEach(destination => destination.TakesOver = true);
        try
        {
            start();
            LookAtAll();
        }
        finally
        {
            _destinations.ForEach(destination => destination.TakesOver = false);
        }
    }

    // A destination that lacks what it held is refused, with a word on what to do.
    private static bool IsLost(Exception e)
        => e is ReplicaStoreException { Hint: { } hint } && hint.Contains("-refill", StringComparison.Ordinal);

    private void Refill()
    {
        _destinations.ForEach(destination => destination.Refills = true);
        try
        {
            Kill();
            LookAtAll();
        }
        finally
        {
            _destinations.ForEach(destination => destination.Refills = false);
        }
    }

    private void OpenSource()
    {
        _checkpointsByItself = _random.Next(2) == 0;
        _source = SourceDatabase.Open(DatabasePath, _pageSize, autoCheckpoint: _checkpointsByItself ? 100 : 0, incrementalVacuum: true);
        _source.KeepWalOnClose();
        _source.CreateTable(); // The loss of power may have taken it.
    }

    private static DatabaseOptions OptionsFor(Random random) => new()
    {
        DatabasePath = "app.db",
        Destinations = [],
        CompactionIntervals = [.. new[] { 10, 60, 600, 3600 }
            .Take(random.Next(1, 5))
            .Select(seconds => TimeSpan.FromSeconds(seconds))],
        SnapshotInterval = TimeSpan.FromHours(random.Next(1, 25)),
        SnapshotRetention = TimeSpan.FromHours(random.Next(1, 49)),
        L0Retention = TimeSpan.FromMinutes(random.Next(1, 10)),
        SpoolBytesMax = random.Next(2) == 0 ? 1 << 30 : random.Next(1, 200_000),
    };

    // A process that finds no room or whose disk fails ends, and another one is started later.
    private void Start()
    {
        _disk.FailAt(0);
        try
        {
            Open();
        }
        catch (IOException) when (!_own.PowerHasFailed && _disk.IsFull)
        {
            _disk.IsFull = false;
            Open();
        }
    }

    private void Open()
    {
        _spool = Spool.Open(_files, SpoolPath);
        try
        {
            _database = new CapturedDatabase(DatabasePath, _spool, _files, _time, new CaptureSettings(_bytesMax, TimeSpan.Zero, 2));
        }
        catch
        {
            _spool.Dispose();
            throw;
        }

        _disk.HasFailed = false;
        _checkpoint = new CheckpointStep(_database, new CheckpointPolicy(20, TimeSpan.FromMinutes(1)));
        for (var i = 0; i < _destinations.Count; i++)
        {
            _destinations[i].Start(_spool, _database.Lineage, i, _options, _scope);
        }
    }

    private Destination Any() => _destinations[_random.Next(_destinations.Count)];

    private void Write()
    {
        for (var i = _random.Next(1, 4); i > 0; i--)
        {
            _ = _random.Next(4) switch
            {
                0 => _source.Run($"DELETE FROM t WHERE id % {_random.Next(2, 20)} = 0"),
                1 => _source.Run($"UPDATE t SET data = randomblob({_random.Next(1, 300)}) WHERE id % {_random.Next(2, 20)} = 0"),
                _ => Insert(_random.Next(1, 30), _random.Next(1, 400)),
            };
        }
    }

    private void WriteMuch() => Insert(_random.Next(100, 1000), _random.Next(100, 1000));

    private object? Insert(int rows, int bytes)
    {
        _source.Insert(rows, bytes);
        if (_source.RunLong("PRAGMA page_count") * _pageSize > 4 << 20)
        {
            _source.Run("DELETE FROM t WHERE id % 4 > 0");
        }

        return null;
    }

    private void RollBack()
    {
        _source.Run("BEGIN IMMEDIATE");
        try
        {
            _source.Run("PRAGMA cache_size=2");
            _source.Insert(_random.Next(1, 500));
            if (_random.Next(2) == 0 && _database.Position is not null)
            {
                CaptureStep.Run(_database);
            }
        }
        finally
        {
            _source.Run("ROLLBACK");
        }

        NoteState();
    }

    private void ForeignCheckpoint()
    {
        using var other = SourceDatabase.Open(DatabasePath, _pageSize);
        other.KeepWalOnClose();
        other.Run("PRAGMA busy_timeout=0");
        other.Run($"PRAGMA wal_checkpoint({s_checkpointModes[_random.Next(s_checkpointModes.Length)]})");
        NoteDurableWal();
    }

    private void ForeignReader()
    {
        if (_reader is not null)
        {
            _reader.Dispose();
            _reader = null;
            return;
        }

        _reader = SourceDatabase.Open(DatabasePath, _pageSize);
        _reader.KeepWalOnClose();
        _reader.Run("BEGIN");
        _reader.Run("SELECT count(*) FROM t");
    }

    private void RestartApplication()
    {
        CloseReader();
        NoteOwnCheckpoints();
        _source.Dispose();
        OpenSource();
    }

    private bool Capture()
    {
        var canBegin = _database.Position is not null
            || (_destinations.All(destination => destination.Worker.WasAsked)
                && _destinations.Any(destination => destination.Worker.IsReconciled));
        Offer();
        if (!canBegin)
        {
            return false;
        }

        // Where only empty destinations answer, a history begins that has nothing to do with what the others hold; and where a spool is lost
        // for a second time, nobody knows any more whose history the first one had taken over.
        _hasOtherLineage |= _database.Position is null
            && (_database.ReplicaTxid.IsNone || _lostSpools > 1)
            && !_destinations.All(destination => destination.Worker.IsReconciled);
        ReadBase();
        var result = CaptureStep.Run(_database);
        Captures += result.Outcome == CaptureOutcome.Idle ? 0 : 1;
        _trace[^1] += $" {result.Outcome} {result.PageCount} {result.Discontinuity}";
        if (!result.HasMore)
        {
            NoteState();
        }

        BoundSpool();
        Offer();
        return result.HasMore;
    }

    // Now and then no destination can be read, and all pages are captured.
    private void ReadBase()
    {
        if (CaptureStep.FindWantOfBase(_database) is not { } pageSize)
        {
            foreach (var destination in _destinations.Where(other => other.Worker.AwaitsComparison && _database.Position is not null))
            {
                destination.Worker.LookAgain();
            }

            return;
        }

        var isRead = _random.Next(4) == 0;
        foreach (var destination in _destinations.Where(destination => destination.Worker.IsReconciled))
        {
            if (isRead && !destination.Worker.AwaitsComparison)
            {
                continue;
            }

            try
            {
                if (destination.ReadBase(_database, pageSize) is { } state)
                {
                    _trace[^1] += $" base {state.Txid.Value} of {destination.Replica.Name}";
                    isRead = true;
                }
            }
            catch (Exception e) when (e is TidemarkException or IOException && !_own.PowerHasFailed)
            {
                _trace[^1] += $" no base of {destination.Replica.Name}: {e.Message}";
            }
        }

        foreach (var destination in _destinations.Where(destination => destination.Worker.AwaitsComparison))
        {
            if (destination.Worker.Refusal is { } refusal)
            {
                throw refusal;
            }

            destination.Worker.AcceptTakeover();
        }
    }

    private void Offer()
    {
        foreach (var destination in _destinations)
        {
            if (destination.Worker.TakeHead() is { } head)
            {
                _database.NoteReplica(head.Txid, head.PageSize);
            }

            destination.Worker.Offer(_database.Position?.Txid ?? Txid.None);
        }
    }

    private void CleanSpool()
    {
        _spool.DeleteUpTo(_destinations.Min(destination => destination.Worker.Mended));
        _spool.DeleteImages(
            _destinations.Min(destination => destination.Worker.Delivered), image => _destinations.Any(destination => destination.Worker.Wants(image)));
        BoundSpool();
    }

    private void BoundSpool()
    {
        var databaseBytes = _database.Position is { } position ? position.PageCount * (long)position.PageSize.Bytes : 0;
        var budget = new SpoolBudget(_options.SpoolBytesMax, databaseBytes);
        var dropped = _spool.DropOldest(budget, _destinations.Min(destination => destination.Worker.Delivered));
        _trace[^1] += dropped.Count > 0 ? $" dropped {dropped.Count}" : "";
        Check(budget.Allows(_spool.CaptureBytes) || _spool.ListCaptures().Count == 1, "the spool is bounded");
    }

    // After whole captures the newest TXID is the database as it is now. A capture may have failed after its file was durable, so this is
    // noted only by those that did not.
    private void NoteState()
    {
        var isOfThisFile = _database.Live is { } live && !live.HasMoved();
        if (isOfThisFile && _database.Position is { } position && _database.GuardIsUninterrupted && IsCapturedToTheEnd())
        {
            var state = Fingerprint(_source.Serialize());
            foreach (var (level, name) in _spool.ListCaptures().Select(name => (Level.Captured, name))
                .Concat(_spool.ListImages().Select(name => (Spool.Images, name))))
            {
                if (name.MaxTxid == position.Txid)
                {
                    _states[Fingerprint(_own.ReadAllBytes(_spool.PathOf(new LtxFileKey(level, name))))] = state;
                }
            }
        }
    }

    private bool IsCapturedToTheEnd()
    {
        var second = _database.Live!.Second;
        second.BeginRead();
        try
        {
            return second.GetSnapshot().End is { } end && end.Salts == _database.Position!.Salts && end.FrameCount == _database.Position.Frame;
        }
        finally
        {
            second.Rollback();
            _database.Rest();
        }
    }

    private void Checkpoint()
    {
        if (_database.Live is null || !_database.GuardIsUninterrupted)
        {
            return;
        }

        var result = _random.Next(2) == 0 ? _checkpoint.Run() : _checkpoint.Run((CheckpointAction)_random.Next(1, 3));
        _trace[^1] += $" {result}";
        NoteState();
        NoteDurableWal();
    }

    private void Ship()
    {
        Offer();
        var destination = Any();
        _trace[^1] += $" {destination.Replica.Name}";
        destination.Ship(_random.Next(1, 5));
        Offer();
        if (_random.Next(2) == 0)
        {
            WriteImages();
        }

        CleanSpool();
    }

    private void WriteImages()
    {
        foreach (var destination in _destinations)
        {
            if (destination.Worker.WantedImage is { } wanted && FullImageStep.Run(_database, wanted.From) is { } image)
            {
                _trace[^1] += $" image {image}";
                NoteState();
                Offer();
                destination.Worker.OfferImage(wanted);
            }
        }
    }

    private void Maintain(Destination destination)
    {
        destination.Maintain();
        _trace[^1] += $" {destination.Replica.Name} {destination.Worker.GetStatus().MaintenanceFailure}";
        CleanSpool();
    }

    private void PlanRestore()
    {
        var replica = Any().Replica;
        RestoreTarget target = _random.Next(3) == 0
            ? new RestoreTarget.Before(_time.GetUtcNow() - TimeSpan.FromSeconds(_random.Next(10_000)))
            : new RestoreTarget.Latest();
        if (replica.TryPlan(target, mustSucceed: false) is { } plan)
        {
            _restores.Add((replica, plan, _time.GetUtcNow()));
        }
    }

    // What compaction and retention have done since it was planned must not matter.
    private void CarryOutRestore()
    {
        if (_restores.Count > 0)
        {
            var (replica, plan, plannedAt) = _restores[0];
            _restores.RemoveAt(0);
            var age = _time.Latest - plannedAt;
            _trace[^1] += $" of {replica.Name}, {plan.Target}, planned {age} ago";
            var isLatest = plan.Target is RestoreTarget.Latest;
            replica.CarryOut(plan, mustSucceed: !replica.WasDamaged && (isLatest || age < _retention.L0Retention));
        }
    }

    private void Decay()
    {
        if (_filesDecay)
        {
            _trace[^1] += " " + Any().Replica.Damage(_random);
        }
    }

    private void SetClock()
    {
        if (_clockIsSet)
        {
            _time.Jump(TimeSpan.FromMinutes(_random.Next(-4000, 4000)));
        }
    }

    private void ListLate()
    {
        if (_filesDecay)
        {
            Any().Replica.ListLate(_random.Next(1, 4));
        }
    }

    private void Kill()
    {
        _database.Dispose();
        Start();
    }

    private void StopInOrder()
    {
        if (_random.Next(2) == 0)
        {
            EndInOrder();
            NoteDurableWal();
            Kill();
            return;
        }

        // The application ends before; and sometimes this process is back before it.
        CloseReader();
        NoteOwnCheckpoints();
        _source.Dispose();
        try
        {
            EndInOrder();
            if (_random.Next(2) == 0)
            {
                Kill();
                _trace[^1] += _database.Position is null ? "" : $" {CaptureStep.Run(_database).Outcome}";
            }
        }
        finally
        {
            OpenSource();
        }

        if (_random.Next(2) == 0)
        {
            RestartApplication();
        }

        NoteDurableWal();
        Kill();
    }

    // The file is made to look as if it had been left alone for long, instead of leaving it alone for a moment.
    private void EndInOrder()
    {
        _ = EndStep.Prepare(_database);
        _files.SetModified(DatabasePath, _time.GetUtcNow().AddMilliseconds(5)); // a system that counts in seconds would get no word
        EndStep.Complete(_database, EndStep.Prepare(_database));
    }

    private void RestartAfterPowerLoss()
    {
        var lineage = _database.Lineage;
        _database.Dispose();
        LosePower(lineage);
    }

    private void LosePower(Lineage lineage)
    {
        _spoolMayBeTorn |= _spoolWasPutBack;
        _own.Restart((PowerLoss)_random.Next((int)PowerLoss.Unordered + 1), _random.Next());
        Start();

        // Where the loss of a spool was not durable, the old one is there again.
        _hasOtherLineage |= _database.Lineage != lineage && _lostLineages.Contains(_database.Lineage);
    }

    // The machine loses power: Tidemark's files lose what was not synced, and the WAL loses its end beyond the last checkpoint.
    private void LosePowerOfEverything()
    {
        CloseReader();
        NoteOwnCheckpoints();
        var lineage = _database.Lineage;
        _database.Dispose();
        _source.Dispose();
        var wal = DatabasePath + "-wal";
        if (File.Exists(wal))
        {
            var length = new FileInfo(wal).Length;
            using var file = PhysicalFileSystem.Instance.Open(wal, FileMode.Open, FileAccess.ReadWrite);
            file.SetLength(Math.Max(Math.Min(_durableWalLength, length), length - _random.Next((int)Math.Min(length + 1, 200_000))));
        }

        File.Delete(DatabasePath + "-shm");
        OpenSource();
        LosePower(lineage);
    }

    private void LoseSpool()
    {
        _lostLineages.Add(_database.Lineage);
        _database.Dispose();
        _lostSpools++;
        try
        {
            DeleteSpool();
            Start();
        }
        catch (IOException)
        {
            _hasOtherLineage = true; // What comes back of a spool when the power fails may not tell whose history it has taken over.
            throw;
        }
    }

    private void CopySpool() => _olderSpool = [.. _own.AllFiles.Select(path => (path, _own.ReadAllBytes(path)))];

    private void PutOlderSpoolBack()
    {
        if (_olderSpool is null)
        {
            return;
        }

        var lineage = _database.Lineage;
        _database.Dispose();
        DeleteSpool();
        foreach (var (path, content) in _olderSpool)
        {
            _own.WriteAllBytes(path, content);
        }

        _spoolWasPutBack = true;
        Start();
        _hasOtherLineage |= _database.Lineage != lineage;

        // As the program does when it starts while its destinations answer; a destination that does not answer meanwhile would be found
        // ahead later on.
        LookAtAll();
    }

    private void PutOlderDatabaseBack()
    {
        if (_olderCopy is null)
        {
            return;
        }

        CloseReader();
        _source.Dispose();
        if (_random.Next(2) == 0)
        {
            _database.Close();
        }

        File.Delete(DatabasePath);
        File.Delete(DatabasePath + "-wal");
        File.Delete(DatabasePath + "-shm");
        using (var file = PhysicalFileSystem.Instance.Open(DatabasePath, FileMode.CreateNew, FileAccess.ReadWrite))
        {
            file.Write(0, _olderCopy);
        }

        _durableWalLength = 0;
        OpenSource();
    }

    private void AddDestination()
    {
        if (_destinations.Count < 3)
        {
            var name = ((char)('A' + _destinations.Count)).ToString();
            var destination = new Destination(
                new Replica(name, _states, _retention, _time), _random, _random.Next(3) * _random.NextDouble() * 0.05, _stallRate);
            _destinations.Add(destination);
            if (_database is not null)
            {
                destination.Start(_spool, _database.Lineage, _destinations.Count - 1, _options, _scope);
            }
        }
    }

    /// <summary>A second process with a copy of the spool and of the database, that writes to the same destinations.</summary>
    public World Copy(int seed) => new(seed, this);

    /// <summary>The other process has ended for good.</summary>
    public void GoOnAlone()
    {
        _hasOtherLineage = true;
        _destinations.ForEach(destination => destination.Replica.HasTwoWriters = false);
    }

    private void CopyOf(World original)
    {
        foreach (var path in original._own.AllFiles)
        {
            _own.WriteAllBytes(path, original._own.ReadAllBytes(path));
        }

        using (var file = PhysicalFileSystem.Instance.Open(DatabasePath, FileMode.CreateNew, FileAccess.ReadWrite))
        {
            file.Write(0, original._source.Serialize());
        }

        foreach (var destination in original._destinations)
        {
            destination.Replica.HasTwoWriters = true;
            _destinations.Add(new Destination(destination.Replica, _random, 0, _stallRate));
        }
    }

    private void LookAtAll()
    {
        foreach (var destination in _destinations)
        {
            (var (faults, isDead), destination.FaultsAreOn, destination.IsDead) = ((destination.FaultsAreOn, destination.IsDead), false, false);
            destination.Ship(1);
            while (destination.IsStalled)
            {
                destination.GoOn();
            }

            (destination.FaultsAreOn, destination.IsDead) = (faults, isDead);
        }

        Offer();
    }

    // Faults end, and everything has to come right by itself.
    private void Settle()
    {
        _own.FailPowerAt(0);
        (_disk.IsFull, _disk.HasFailed) = (false, false);
        CloseReader();
        foreach (var destination in _destinations)
        {
            (destination.FaultsAreOn, destination.IsDead) = (false, false);
            destination.Replica.ListLate(0);
        }

        Kill();
        try
        {
            LookAtAll();
            Capture();
        }
        catch (ReplicaConflictException)
        {
            Resolve();
        }
        catch (ReplicaStoreException e) when (IsLost(e))
        {
            Refill();
        }
        catch (ReplicaHeldException)
        {
            TakeOver(Kill); // Nobody says that the process which was killed is gone, and its clock may have been ahead.
        }

        ShipEverything();

        // What has decayed is found when the next snapshot is composed, at the latest.
        for (var rounds = 0; rounds < 6; rounds++)
        {
            _source.Insert(1);
            ShipEverything();
            _destinations.ForEach(Maintain);
            ShipEverything();
            _time.Advance(_options.SnapshotInterval / 4);
        }

        var source = Fingerprint(_source.Serialize());
        foreach (var destination in _destinations)
        {
            Check(destination.Worker.GetStatus().MaintenanceFailure is null, $"{destination.Replica.Name} is maintained");
            destination.Replica.CheckNewestIs(_database.Position!.Txid, source);
            destination.Replica.CheckPromised(null);
        }

        while (_restores.Count > 0)
        {
            CarryOutRestore();
        }

        Check(!_own.AllFiles.Any(path => path.Contains("/merge/", StringComparison.Ordinal)), "nothing temporary stays");
        Check(_source.Run("PRAGMA integrity_check") is "ok", "the source is whole");
        Check(_source.RunLong("SELECT count(*) FROM sqlite_master") == 1, "nothing is left in the user's schema");
    }

    private void ShipEverything()
    {
        var rounds = 0;
        do
        {
            Check(++rounds < 1000, "shipping comes to an end");
            while (Capture())
            {
                // A large WAL is taken in pieces.
            }

            foreach (var destination in _destinations)
            {
                try
                {
                    destination.Ship(10);
                }
                catch (LtxFormatException) when (_spoolMayBeTorn)
                {
                    // Reported, and set aside; the next try asks for an image instead.
                }
            }

            WriteImages();
        }
        while (_destinations.Any(destination => !destination.Worker.HasAll));
    }

    private void CloseReader()
    {
        _reader?.Dispose();
        _reader = null;
    }

    private void DeleteSpool()
    {
        foreach (var path in _own.AllFiles)
        {
            _own.Delete(path);
        }
    }

    // SQLite syncs the WAL before it copies from it, so what was checkpointed cannot be lost from the WAL.
    private void NoteOwnCheckpoints()
    {
        if (_checkpointsByItself)
        {
            NoteDurableWal();
        }
    }

    private void NoteDurableWal()
        => _durableWalLength = File.Exists(DatabasePath + "-wal") ? new FileInfo(DatabasePath + "-wal").Length : 0;
}
