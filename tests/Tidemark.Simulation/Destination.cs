using Tidemark.Formats;
using Tidemark.Replicas.Catalog;
using Tidemark.Replicas.Leases;
using Tidemark.Replicas.Restore;
using Tidemark.Replicas.Stores;
using Tidemark.Replication.Capture;
using Tidemark.Replication.Upload;
using Tidemark.Testing.Databases;
using Tidemark.Testing.Stores;

namespace Tidemark.Simulation;

/// <summary>One destination of the simulated world, with what it must be able to restore, and a store that fails now and then.</summary>
internal sealed class Destination
{
    private readonly Random _random;
    private readonly MemoryStore _inner = new();
    private readonly Dictionary<LtxFileKey, string> _written = [];
    private readonly Dictionary<Txid, string> _expected = [];
    private readonly List<(Txid After, Txid UpTo)> _bridged = [];
    private readonly double _failureRate;
    private readonly string _name;

    public Destination(string name, Random random, double failureRate)
    {
        (_name, _random, _failureRate) = (name, random, failureRate);
        Store = new FaultingStore(
            _inner,
            _ => FaultsAreOn && _random.NextDouble() < _failureRate ? (StoreFault)_random.Next((int)StoreFault.NotFound) : null);
    }

    public FaultingStore Store { get; }

    public string Name => _name;

    public bool FaultsAreOn { get; set; } = true;

    public UploadStep Step { get; private set; } = null!;

    public ImageRequest? WantedImage { get; private set; }

    public void Start(Spool spool, Lineage lineage, TimeProvider time)
    {
        Step = new UploadStep(Store, spool, new ClaimStep(Store, lineage, time, TimeSpan.FromSeconds(30)));
        WantedImage = null;
    }

    public void ImageIsThere() => WantedImage = null;

    /// <summary>Ships one file, or finds out what the destination holds.</summary>
    /// <param name="captured">The newest capture.</param>
    /// <param name="states">What each file must restore to, by its content.</param>
    /// <returns>The head, when it became known.</returns>
    public ReplicaHead? Run(Txid captured, IReadOnlyDictionary<string, string> states)
    {
        if (!Step.IsReconciled)
        {
            return Wait(Step.ReconcileAsync(CancellationToken.None));
        }

        var before = Step.Shipped;
        var result = Wait(Step.RunAsync(captured, CancellationToken.None));
        if (result.Image is { } wanted)
        {
            WantedImage = wanted;
        }
        else if (result.File is { } file)
        {
            if (states.TryGetValue(CheckNeverRewritten(file.Key), out var state))
            {
                _expected[file.MaxTxid] = state;
            }

            if (file.Level == Level.Captured)
            {
                World.Check(file.MinTxid == before.Next(), $"{_name}: {file.Key} follows {before}");
            }

            if (Step.Shipped > before.Next())
            {
                _bridged.Add((before, Step.Shipped));
            }

            World.Check(
                Step.Catalog!.Files.SequenceEqual(Wait(ReplicaListing.ReadAllAsync(_inner, CancellationToken.None))),
                $"{_name}: the catalogue is what a listing shows");
        }

        return null;
    }

    /// <summary>Takes the base of the next capture from here.</summary>
    public ReplicaState? ReadBase(CapturedDatabase database, PageSize pageSize)
        => Wait(BaseStep.RunAsync(database, pageSize, Step, progress: null, CancellationToken.None));

    /// <summary>Restores one TXID, or every one that was shipped, and compares it with what SQLite said the database was.</summary>
    public void CheckRestores(bool all)
    {
        var candidates = _expected.Keys.Where(txid => txid <= Step.Shipped).Order().ToArray();
        if (candidates.Length == 0)
        {
            return;
        }

        foreach (var txid in all ? candidates : [candidates[_random.Next(candidates.Length)]])
        {
            byte[] restored;
            try
            {
                restored = Wait(NaiveRestore.RunAsync(_inner, txid));
            }
            catch (InvalidOperationException) when (_bridged.Any(gap => txid > gap.After && txid < gap.UpTo))
            {
                continue; // The spool that held this one was lost before it could be shipped.
            }

            World.Check(World.Fingerprint(restored) == _expected[txid], $"{_name}: TXID {txid} restores to what the database was");
        }
    }

    public void CheckNewestIs(string state)
    {
        var restored = Wait(NaiveRestore.RunAsync(_inner, Step.Shipped));
        World.Check(World.Fingerprint(restored) == state, $"{_name}: the newest state {Step.Shipped} is that of the source");
    }

    private string CheckNeverRewritten(LtxFileKey key)
    {
        using var content = Wait(_inner.OpenAsync(key, 0, null, CancellationToken.None));
        using var bytes = new MemoryStream();
        content.CopyTo(bytes);
        var fingerprint = World.Fingerprint(bytes.ToArray());
        World.Check(!_written.TryGetValue(key, out var first) || first == fingerprint, $"{_name}: {key} never changes");
        return _written[key] = fingerprint;
    }

    private static T Wait<T>(ValueTask<T> task) => task.AsTask().GetAwaiter().GetResult();

    private static T Wait<T>(Task<T> task) => task.GetAwaiter().GetResult();
}
