using System.Security.Cryptography;
using Microsoft.Extensions.Time.Testing;
using Tidemark.Formats;
using Tidemark.Replicas.Catalog;
using Tidemark.Replicas.Files;
using Tidemark.Replication.Capture;
using Tidemark.Replication.Checkpoints;
using Tidemark.Replication.Images;
using Tidemark.Testing;
using Tidemark.Testing.Databases;
using Tidemark.Testing.Files;

namespace Tidemark.Simulation;

/// <summary>
/// A whole replication in one thread, driven by one seed: an application on a real SQLite, foreign checkpoints and readers, captures,
/// uploads with faults, crashes, losses of power, and restores. The oracle is SQLite's own serialisation of the source at each capture.
/// </summary>
internal sealed class World : IDisposable
{
    private const string SpoolPath = "/spool/.app.db-tidemark";

    private static readonly int[] s_pageSizes = [512, 1024, 4096, 8192, 65536];
    private static readonly string[] s_checkpointModes = ["PASSIVE", "FULL", "RESTART", "TRUNCATE"];

    private readonly Random _random;
    private readonly TemporaryFolder _folder = new();
    private readonly MemoryFileSystem _own = new();
    private readonly RoutingFileSystem _files;
    private readonly FakeTimeProvider _time = new(new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero));
    private readonly List<Destination> _destinations = [];
    // by the content of the file that leads to them: a lost spool gives its TXIDs away again
    private readonly Dictionary<string, string> _states = [];
    private readonly List<string> _trace = [];
    private readonly int _pageSize;
    private readonly long _bytesMax;
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

    public World(int seed)
    {
        _random = new Random(seed);
        _pageSize = s_pageSizes[_random.Next(s_pageSizes.Length)];
        _bytesMax = _random.Next(3) == 0 ? 16 * 1024 : 64 << 20;
        _files = new RoutingFileSystem(_own, PhysicalFileSystem.Instance, _folder.Path);
        _destinations.Add(new Destination("A", _random, _random.NextDouble() * 0.2));
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
            (6, "restore", () => _destinations[_random.Next(_destinations.Count)].CheckRestores(all: false)),
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
            (1, "request an image", RequestImage),
            (5, "time passes", () => _time.Advance(TimeSpan.FromSeconds(_random.Next(90)))),
        ];
        OpenSource();
        Start();
    }

    public int Captures { get; private set; }

    public int Faults { get; private set; }

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

    public void Run(int steps)
    {
        var weights = _actions.Sum(action => action.Weight);
        for (var step = 0; step < steps; step++)
        {
            var pick = _random.Next(weights);
            var action = _actions.First(candidate => (pick -= candidate.Weight) < 0);
            Do(action.Name, action.Run);
        }

        Do("the end", Settle);
    }

    public void Dispose()
    {
        _database.Dispose();
        _reader?.Dispose();
        _source.Dispose();
        _folder.Dispose();
    }

    private void Do(string name, Action run)
    {
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
        }

        _trace[^1] += $" [{_database.Position?.Txid.Value} | {string.Join(' ', _destinations.Select(d => d.Step.Shipped.Value))}]";
        if (_own.PowerHasFailed)
        {
            _trace.Add($"{_trace.Count}: the power has failed");
            RestartAfterPowerLoss();
        }
        else
        {
            Check(
                !_own.AllFiles.Any(path => path.EndsWith(".tmp", StringComparison.Ordinal)
                    && !path.EndsWith("/pages.tmp", StringComparison.Ordinal)),
                "no temporary file stays: " + string.Join(' ', _own.AllFiles));
        }
    }

    private void OpenSource()
    {
        _checkpointsByItself = _random.Next(2) == 0;
        _source = SourceDatabase.Open(DatabasePath, _pageSize, autoCheckpoint: _checkpointsByItself ? 100 : 0, incrementalVacuum: true);
        _source.KeepWalOnClose();
        _source.CreateTable(); // The loss of power may have taken it.
    }

    private void Start()
    {
        _spool = Spool.Open(_files, SpoolPath);
        _database = new CapturedDatabase(DatabasePath, _spool, _files, _time, new CaptureSettings(_bytesMax, TimeSpan.Zero, 2));
        _checkpoint = new CheckpointStep(_database, new CheckpointPolicy(20, TimeSpan.FromMinutes(1)));
        foreach (var destination in _destinations)
        {
            destination.Start(_spool, _database.Lineage, _time);
        }
    }

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
            if (_random.Next(2) == 0)
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
        if (_database.Position is null && !_destinations.All(destination => destination.Step.IsReconciled))
        {
            return false;
        }

        ReadBase();
        var result = CaptureStep.Run(_database);
        Captures += result.Outcome == CaptureOutcome.Idle ? 0 : 1;
        _trace[^1] += $" {result.Outcome} {result.PageCount} {result.Discontinuity}";
        if (!result.HasMore)
        {
            NoteState();
        }

        return result.HasMore;
    }

    // Now and then no destination can be read, and all pages are captured.
    private void ReadBase()
    {
        if (CaptureStep.FindWantOfBase(_database) is not { } pageSize || _random.Next(4) == 0)
        {
            return;
        }

        foreach (var destination in _destinations.Where(destination => destination.Step.IsReconciled))
        {
            if (destination.ReadBase(_database, pageSize) is { } state)
            {
                _trace[^1] += $" base {state.Txid.Value} of {destination.Name}";
                return;
            }
        }
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
        var destination = _destinations[_random.Next(_destinations.Count)];
        for (var i = _random.Next(1, 4); i > 0; i--)
        {
            if (destination.Run(_database.Position?.Txid ?? Txid.None, _states) is { } head)
            {
                _database.NoteReplica(head.Txid, head.PageSize);
            }

            WriteImage(destination);
        }

        _spool.DeleteUpTo(
            _destinations.Min(destination => destination.Step.Delivered),
            [.. _destinations.Select(destination => destination.Step.Requested?.From).OfType<Txid>()]);
        if (_random.Next(10) == 0)
        {
            // As if the spool were full.
            _trace[^1] += $" dropped {_spool.DropOldest(new SpoolBudget(1 + _random.Next(20_000), 0)).Count}";
        }
    }

    private void WriteImage(Destination destination)
    {
        if (destination.WantedImage is { } wanted && FullImageStep.Run(_database, wanted.From) is not null)
        {
            destination.ImageIsThere();
            NoteState();
        }
    }

    // As compaction does when the files of a level have a hole.
    private void RequestImage()
    {
        var destination = _destinations[_random.Next(_destinations.Count)];
        if (!destination.Step.Delivered.IsNone)
        {
            destination.Step.RequestImage(new Level(_random.Next(1, 9)), new Txid(1 + (ulong)_random.Next((int)destination.Step.Shipped.Value)));
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
        _database.Dispose();
        _own.Restart((PowerLoss)_random.Next((int)PowerLoss.Unordered + 1), _random.Next());
        Start();
    }

    // The machine loses power: Tidemark's files lose what was not synced, and the WAL loses its end beyond the last checkpoint.
    private void LosePowerOfEverything()
    {
        CloseReader();
        NoteOwnCheckpoints();
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
        _own.Restart((PowerLoss)_random.Next((int)PowerLoss.Unordered + 1), _random.Next());
        Start();
    }

    private void LoseSpool()
    {
        _database.Dispose();
        DeleteSpool();
        Start();
    }

    private void CopySpool() => _olderSpool = [.. _own.AllFiles.Select(path => (path, _own.ReadAllBytes(path)))];

    private void PutOlderSpoolBack()
    {
        if (_olderSpool is null)
        {
            return;
        }

        _database.Dispose();
        DeleteSpool();
        foreach (var (path, content) in _olderSpool)
        {
            _own.WriteAllBytes(path, content);
        }

        Start();

        // As the program does when it starts while its destinations answer; a destination that does not answer meanwhile would be found
        // ahead later on.
        foreach (var destination in _destinations)
        {
            destination.FaultsAreOn = false;
            if (destination.Run(Txid.None, _states) is { } head)
            {
                _database.NoteReplica(head.Txid, head.PageSize);
            }

            destination.FaultsAreOn = true;
        }
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
            var destination = new Destination(((char)('A' + _destinations.Count)).ToString(), _random, _random.NextDouble() * 0.2);
            destination.Start(_spool, _database.Lineage, _time);
            _destinations.Add(destination);
        }
    }

    // Faults end, and everything has to come right by itself.
    private void Settle()
    {
        CloseReader();
        Kill();
        foreach (var destination in _destinations)
        {
            destination.FaultsAreOn = false;
            if (destination.Run(Txid.None, _states) is { } head)
            {
                _database.NoteReplica(head.Txid, head.PageSize);
            }
        }

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
                _ = destination.Run(_database.Position!.Txid, _states);
                WriteImage(destination);
            }
        }
        while (_destinations.Any(destination => destination.Step.Shipped < _database.Position!.Txid));

        var source = Fingerprint(_source.Serialize());
        foreach (var destination in _destinations)
        {
            destination.CheckNewestIs(source);
            destination.CheckRestores(all: true);
        }

        Check(_source.Run("PRAGMA integrity_check") is "ok", "the source is whole");
        Check(_source.RunLong("SELECT count(*) FROM sqlite_master") == 1, "nothing is left in the user's schema");
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
