using System.Runtime.CompilerServices;
using Tidemark.Formats;
using Tidemark.Replicas.Catalog;
using Tidemark.Replicas.Restore;
using Tidemark.Replicas.Retention;
using Tidemark.Replicas.Stores;
using Tidemark.Testing.Databases;
using Tidemark.Testing.Files;

namespace Tidemark.Simulation;

/// <summary>Where the files of one destination lie, whoever writes them, with the memory of all that was ever written there and of what it must
/// restore to. Files can be damaged and vanish, and listings can lag behind.</summary>
/// <param name="name">How messages call it.</param>
/// <param name="states">What each captured file leads to, by its content: a lost spool gives its TXIDs away again.</param>
/// <param name="retention">What is promised here.</param>
/// <param name="clock">The clock.</param>
internal sealed class Replica(string name, Dictionary<string, string> states, RetentionOptions retention, WorldClock clock) : IReplicaStore
{
    private const string OutputPath = "/out/app.db";

    private readonly MemoryStore _files = new();
    private readonly Dictionary<LtxFileKey, string> _written = [];
    private readonly Dictionary<Txid, (string State, DateTimeOffset Created)> _expected = [];
    private readonly HashSet<LtxFileKey> _damaged = [];
    private readonly HashSet<LtxFileKey> _misread = [];
    private readonly HashSet<Txid> _givenUp = []; // As below the floor, but after it: captures that compaction has made superfluous.
    private int _lateFiles;
    private int _lateListings;
    private Txid _floor = Txid.First; // What lay before it was given up, whatever the clock has shown since.
    private bool _isChecked;

    public string Name => name;

    /// <summary>Whether files were damaged or have vanished, so that not everything can be restored any more.</summary>
    public bool WasDamaged { get; private set; }

    /// <summary>Whether a listing told less than there was, which a writer may take for a second writer later on.</summary>
    public bool WasListedLate { get; private set; }

    /// <summary>Whether two processes write here at once.</summary>
    public bool HasTwoWriters { get; set; }

    /// <summary>Called before a file is written; what it throws is the failure.</summary>
    public Action<LtxFileKey>? Writing { get; set; }

    public int Compactions { get; private set; }

    public int Deletions { get; private set; }

    public int Restores { get; private set; }

    public IReadOnlyList<LtxFileInfo> Files => World.Wait(ReplicaListing.ReadAllAsync(_files, CancellationToken.None));

    public async IAsyncEnumerable<LtxFileInfo> ListAsync(
        Level level, Txid from, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        HashSet<LtxFileKey> late = [];
        if (from.IsNone && _lateListings > 0)
        {
            _lateListings--;
            late = [.. Files.OrderByDescending(file => file.MaxTxid).Take(_lateFiles).Select(file => file.Key)];
        }

        await foreach (var file in _files.ListAsync(level, from, cancellationToken))
        {
            if (late.Contains(file.Key))
            {
                WasListedLate = true;
                continue;
            }

            yield return file;
        }
    }

    public ValueTask<Stream> OpenAsync(LtxFileKey key, long offset, long? length, CancellationToken cancellationToken)
        => length is null && _misread.Remove(key)
            ? ValueTask.FromResult<Stream>(new MemoryStream(Flipped(Read(key))[(int)offset..]))
            : _files.OpenAsync(key, offset, length, cancellationToken);

    public async ValueTask<LtxFileInfo> WriteAsync(
        LtxFileKey key, DateTimeOffset created, Stream content, CancellationToken cancellationToken)
    {
        Writing?.Invoke(key);
        return await NoteAsync(await _files.WriteAsync(key, created, content, cancellationToken));
    }

    public async ValueTask<LtxFileInfo> CreateAsync(
        LtxFileKey key, DateTimeOffset created, Stream content, CancellationToken cancellationToken)
    {
        Writing?.Invoke(key);
        return await NoteAsync(await _files.CreateAsync(key, created, content, cancellationToken));
    }

    public ValueTask<string?> ReadClaimAsync(CancellationToken cancellationToken) => _files.ReadClaimAsync(cancellationToken);

    public ValueTask WriteClaimAsync(string claim, CancellationToken cancellationToken) => _files.WriteClaimAsync(claim, cancellationToken);

    public async ValueTask DeleteAsync(IReadOnlyCollection<LtxFileKey> keys, CancellationToken cancellationToken)
    {
        _isChecked = false;
        var before = Files;
        var plan = RetentionPlan.From(before, clock.GetUtcNow(), retention);
        Txid[] promised = [.. Promised(before, plan).Where(txid => IsRestorable(before, txid))];
        await _files.DeleteAsync(keys, cancellationToken);
        Deletions += keys.Count;
        var isRetention = before.Where(file => keys.Contains(file.Key)).All(plan.Deletions.Contains);
        if (!isRetention)
        {
            // A writer takes back what it wrote beside another one's files.
            foreach (var key in keys)
            {
                _expected.Remove(key.Name.MaxTxid);
            }
        }

        World.Check(
            isRetention || keys.Count == 1 || WasDamaged || WasListedLate || clock.WasSetBack,
            $"{name}: only what is not needed goes, not {Text(keys)} of {Text(before)} at {clock.Latest} {clock.GetUtcNow()}");
        if (isRetention)
        {
            _floor = plan.Floor is { } given && given > _floor ? given : _floor;
            _givenUp.UnionWith(plan.Deletions.Select(file => file.MaxTxid).Except(promised));
            var after = Files;
            foreach (var txid in promised)
            {
                World.Check(IsRestorable(after, txid), $"{name}: {txid} is promised after {Text(keys)} went");
            }
        }
    }

    /// <summary>Called when a file was written.</summary>
    public Action<LtxFileKey>? Written { get; set; }

    /// <summary>The next listing of all levels lacks the newest files.</summary>
    public void ListLate(int files) => (_lateFiles, _lateListings) = (files, Level.Count);

    /// <summary>The content of a file.</summary>
    public Stream Content(LtxFileKey key) => World.Wait(_files.OpenAsync(key, 0, null, CancellationToken.None));

    /// <summary>A file vanishes.</summary>
    public void Lose(LtxFileKey key)
    {
        (WasDamaged, _isChecked) = (true, false);
        World.Wait(_files.DeleteAsync([key], CancellationToken.None));
        _written.Remove(key);
        if (Files.Count == 0)
        {
            _floor = Txid.First;
            _givenUp.Clear();
            _expected.Clear();
            _written.Clear(); // A writer that has lost its spool too begins at the first TXID again.
        }
    }

    /// <summary>A bit of a file turns over, or the file vanishes.</summary>
    public string? Damage(Random random)
    {
        var files = Files;
        if (files.Count == 0)
        {
            return null;
        }

        (WasDamaged, _isChecked) = (true, false);
        var file = files[random.Next(files.Count)];
        if (random.Next(2) == 0)
        {
            Lose(file.Key);
            return $"{file.Key} vanishes";
        }

        var bytes = Read(file.Key);
        bytes[random.Next(bytes.Length)] ^= (byte)(1 << random.Next(8));
        Damage(file, bytes);
        return $"{file.Key} is damaged";
    }

    /// <summary>A bit in the middle of a file turns over.</summary>
    public void Flip(LtxFileKey key)
    {
        (WasDamaged, _isChecked) = (true, false);
        Damage(Files.Single(file => file.Key == key), Flipped(Read(key)));
    }

    /// <summary>A file is read wrong once; it is whole.</summary>
    public void Misread(LtxFileKey key) => _misread.Add(key);

    private void Damage(LtxFileInfo file, byte[] bytes)
    {
        using var content = new MemoryStream(bytes);
        _ = World.Wait(_files.WriteAsync(file.Key, file.Created, content, CancellationToken.None));
        _damaged.Add(file.Key);
    }

    /// <summary>What must hold after every step, by the names of the files alone.</summary>
    public void CheckFiles()
    {
        if (_isChecked || WasDamaged)
        {
            return;
        }

        _isChecked = true;
        var files = Files;
        if (files.Count == 0)
        {
            return;
        }

        World.Check(
            RestorePlan.From(files, new RestoreTarget.Latest()).MaxTxid == files.Max(file => file.MaxTxid),
            $"{name}: files lead to the newest state: {Text(files)}");
        CheckLevels(files);
        foreach (var txid in Promised(files, RetentionPlan.From(files, clock.GetUtcNow(), retention)))
        {
            World.Check(IsRestorable(files, txid), $"{name}: {txid} is promised: {Text(files)}");
        }
    }

    /// <summary>Restores one TXID that is promised, or all of them, and compares.</summary>
    public void CheckPromised(Random? one)
    {
        var files = Files;
        Txid[] promised = [.. Promised(files, RetentionPlan.From(files, clock.GetUtcNow(), retention)).Distinct()];
        if (promised.Length == 0)
        {
            return;
        }

        foreach (var txid in one is null ? promised : [promised[one.Next(promised.Length)]])
        {
            if (TryPlan(new RestoreTarget.AtTxid(txid), mustSucceed: !WasDamaged) is { } plan)
            {
                CarryOut(plan, mustSucceed: !WasDamaged);
            }
        }
    }

    /// <summary>Plans a restore; null when it cannot be done.</summary>
    public RestorePlan? TryPlan(RestoreTarget target, bool mustSucceed)
    {
        try
        {
            return RestorePlan.From(Files, target);
        }
        catch (Exception e) when (!mustSucceed && e is TxidNotRestorableException or ReplicaHoleException or NoMatchingBackupException)
        {
            return null;
        }
    }

    /// <summary>Restores and compares with what SQLite said that the database was.</summary>
    public void CarryOut(RestorePlan plan, bool mustSucceed)
    {
        Restores++;
        var place = new MemoryFileSystem();
        try
        {
            var result = World.Wait(new RestoreStep(this, place, clock).RunAsync(
                plan, new RestoreOptions { OutputPath = OutputPath, Parallelism = 1 }, CancellationToken.None));
            World.Check(place.AllFiles is [OutputPath], $"{name}: a restore leaves the database only");
            var reached = result.Plan.MaxTxid;
            World.Check(
                !_expected.TryGetValue(reached, out var expected) || World.Fingerprint(place.ReadAllBytes(OutputPath)) == expected.State,
                $"{name}: {plan.Target} restores to what the database was at {reached}");
        }
        catch (TidemarkException e) when (!mustSucceed || plan.Files.Any(file => _damaged.Contains(file.Key)))
        {
            World.Check(place.AllFiles is [], $"{name}: a restore that fails leaves nothing: {e.Message}");
        }
    }

    /// <summary>Restores the newest state in the slow and obvious way too.</summary>
    public void CheckNewestIs(Txid txid, string state)
    {
        var plan = TryPlan(new RestoreTarget.Latest(), mustSucceed: true)!;
        World.Check(plan.MaxTxid == txid, $"{name}: {txid} is the newest state, not {plan.MaxTxid}");
        World.Check(plan.Files.All(file => !_damaged.Contains(file.Key)), $"{name}: the newest state stands on no damaged file: {Text(plan.Files)}");
        CarryOut(plan, mustSucceed: true);
        if (!WasDamaged)
        {
            World.Check(World.Fingerprint(World.Wait(NaiveRestore.RunAsync(_files, txid))) == state, $"{name}: {txid} is the source as it is");
        }
    }

    private static bool IsRestorable(IReadOnlyList<LtxFileInfo> files, Txid txid)
    {
        try
        {
            _ = RestorePlan.From(files, new RestoreTarget.AtTxid(txid));
            return true;
        }
        catch (Exception e) when (e is TxidNotRestorableException or ReplicaHoleException or NoMatchingBackupException)
        {
            return false;
        }
    }

    public static string Text(IEnumerable<LtxFileInfo> files) => Text(files.Select(file => file.Key));

    private static string Text(IEnumerable<LtxFileKey> keys)
        => string.Join(' ', keys.Select(key => $"{key.Level}:{key.Name.MinTxid.Value}-{key.Name.MaxTxid.Value}"));

    // Every TXID from the floor on to which a file leads that stays, and every capture of the last while.
    private IEnumerable<Txid> Promised(IReadOnlyList<LtxFileInfo> files, RetentionPlan plan)
    {
        var (floor, now) = (plan.Floor > _floor ? plan.Floor.Value : _floor, clock.GetUtcNow());
        return files.Except(plan.Deletions)
            .Where(file => file.MaxTxid >= floor
                && !_givenUp.Contains(file.MaxTxid)
                && (file.Level != Level.Snapshots || file.MinTxid == Txid.First))
            .Select(file => file.MaxTxid)
            .Concat(_expected
                .Where(state => state.Key >= _floor
                    && state.Value.Created > clock.Latest - retention.L0Retention
                    && state.Value.Created <= now)
                .Select(state => state.Key));
    }

    // A hole is only where a snapshot has led over it.
    private void CheckLevels(IReadOnlyList<LtxFileInfo> files)
    {
        if (WasListedLate)
        {
            return; // A catalogue without a file lets those after it go before it.
        }

        foreach (var level in files.Where(file => file.Level != Level.Snapshots).GroupBy(file => file.Level))
        {
            var reached = level.First().MaxTxid;
            foreach (var file in level)
            {
                World.Check(
                    file.MinTxid.Value - 1 <= reached.Value
                        || _written.Keys.Any(key => key.Level == Level.Snapshots && key.Name.MaxTxid.Value >= file.MinTxid.Value - 1),
                    $"{name}: level {level.Key} has no hole before {file.Key}: {Text(files)}");
                reached = file.MaxTxid > reached ? file.MaxTxid : reached;
            }
        }
    }

    private async ValueTask<LtxFileInfo> NoteAsync(LtxFileInfo file)
    {
        await ValueTask.CompletedTask;
        Written?.Invoke(file.Key);
        _isChecked = false;
        var isMended = _damaged.Remove(file.Key);
        var fingerprint = World.Fingerprint(Read(file.Key));
        World.Check(
            !_written.TryGetValue(file.Key, out var first) || first == fingerprint || isMended || WasListedLate,
            $"{name}: {file.Key} never changes");
        _written[file.Key] = fingerprint;
        _givenUp.Remove(file.MaxTxid);
        if (states.TryGetValue(fingerprint, out var state))
        {
            _expected[file.MaxTxid] = (state, file.Created);
        }
        else if (file.Level == Level.Captured)
        {
            _expected.Remove(file.MaxTxid); // What it leads to is not known; another file that had its name has vanished.
        }

        Compactions += file.Level == Level.Captured ? 0 : 1;
        return file;
    }

    private static byte[] Flipped(byte[] bytes)
    {
        bytes[bytes.Length / 2] ^= 1;
        return bytes;
    }

    private byte[] Read(LtxFileKey key)
    {
        using var content = Content(key);
        using var bytes = new MemoryStream();
        content.CopyTo(bytes);
        return bytes.ToArray();
    }
}
