using Tidemark.Formats;
using Tidemark.Replicas.Catalog;
using Tidemark.Replicas.Restore;
using Tidemark.Replication;
using Tidemark.Replication.Capture;
using Tidemark.Replication.Scheduling;
using Tidemark.Testing.Stores;

namespace Tidemark.Simulation;

/// <summary>One destination of the simulated world, as its process sees it: a worker, and a store that fails and stalls now and
/// then.</summary>
internal sealed class Destination : IDisposable
{
    private readonly Random _random;
    private readonly FaultingStore _store;
    private readonly double _stallRate;
    private Connection _connection = null!;
    private Task _shipping = Task.CompletedTask;
    private Task _maintenance = Task.CompletedTask;
    private CancellationTokenSource _enough = new();
    private ReplicaCatalog? _catalog;
    private bool _isCatalogCertain;
    private bool _stallsAreOn;
    private int _faults;
    private int _filesLeft;

    public Destination(Replica replica, Random random, double failureRate, double stallRate)
    {
        (Replica, _random, _stallRate) = (replica, random, stallRate);
        _store = new FaultingStore(replica, _ =>
        {
            if (!IsDead && !(FaultsAreOn && _random.NextDouble() < failureRate))
            {
                return null;
            }

            _faults++;
            return IsDead ? StoreFault.Before : (StoreFault)_random.Next((int)StoreFault.NotFound + 1);
        });
    }

    public Replica Replica { get; }

    public DestinationWorker Worker { get; private set; } = null!;

    public bool FaultsAreOn { get; set; } = true;

    /// <summary>Whether a person says, from the next start on, that what is lost there is lost.</summary>
    public bool Refills { get; set; }

    /// <summary>Whether a person says, from the next start on, that no other writer is there and that it is the same database.</summary>
    public bool TakesOver { get; set; }

    /// <summary>Whether nothing answers.</summary>
    public bool IsDead { get; set; }

    /// <summary>Whether calls are under way that an earlier step has begun.</summary>
    public bool IsStalled => !_shipping.IsCompleted || !_maintenance.IsCompleted;

    /// <summary>A process starts. What the one before had under way arrives or does not.</summary>
    public void Start(Spool spool, Lineage lineage, int number, DatabaseOptions options, ReplicationScope scope)
    {
        Stop();
        _connection = new Connection(_store, () => _stallsAreOn && FaultsAreOn && _random.NextDouble() < _stallRate);
        Worker = new DestinationWorker(
            _connection, number, spool, lineage, options with { RefillsDestinations = Refills, TakesOverDestinations = TakesOver }, scope)
        {
            Changed = () =>
            {
                if (--_filesLeft <= 0)
                {
                    _enough.Cancel();
                }
            },
        };
    }

    /// <summary>The process ends.</summary>
    public void Stop()
    {
        _connection?.Close(() => _random.Next(2) == 0);
        Task.WhenAll(_shipping, _maintenance).ContinueWith(_ => { }, TaskScheduler.Default).Wait();
        (_shipping, _maintenance, _catalog) = (Task.CompletedTask, Task.CompletedTask, null);
    }

    public void Dispose()
    {
        Stop();
        _enough.Dispose();
    }

    /// <summary>Ships some files, or finds out what the destination holds.</summary>
    public void Ship(int files)
    {
        if (_shipping.IsCompleted)
        {
            _enough.Dispose();
            (_enough, _filesLeft) = (new CancellationTokenSource(), files);
            Drive(() => _shipping = Worker.ShipAllAsync(_enough.Token, CancellationToken.None));
        }
        else
        {
            GoOn();
        }
    }

    /// <summary>Compacts, composes and deletes what is due.</summary>
    public void Maintain()
    {
        if (_maintenance.IsCompleted)
        {
            Drive(() => _maintenance = Worker.MaintainAsync(CancellationToken.None));
        }
        else
        {
            GoOn();
        }
    }

    /// <summary>Lets the call go on that stalled first.</summary>
    public void GoOn()
    {
        if (IsStalled)
        {
            Drive(_connection.GoOn);
        }
    }

    /// <summary>Takes the base of the next capture from here.</summary>
    public ReplicaState? ReadBase(CapturedDatabase database, PageSize pageSize)
        => World.Wait(Worker.ReadBaseAsync(database, pageSize, new Progress<RestoreProgress>(), CancellationToken.None));

    // Until everything that is under way has ended or stalled.
    private void Drive(Action begin)
    {
        var faults = _faults;
        _stallsAreOn = true;
        begin();
        while (true)
        {
            var stall = _connection.NextStall;
            Task[] running = [.. ((Task[])[_shipping, _maintenance]).Where(task => !task.IsCompleted)];
            if (running.Length <= _connection.StalledCalls)
            {
                break;
            }

            Task.WaitAny([.. running, stall]);
        }

        _stallsAreOn = false;
        try
        {
            Finish(ref _maintenance);
            Finish(ref _shipping);
        }
        catch (Exception e) when (e is not SimulationException)
        {
            CheckCatalog(faults);
            throw;
        }

        CheckCatalog(faults);
    }

    private static void Finish(ref Task task)
    {
        if (task.IsCompleted)
        {
            var ended = task;
            task = Task.CompletedTask;
            ended.GetAwaiter().GetResult();
        }
    }

    private void CheckCatalog(int faultsBefore)
    {
        var isNew = Worker.Catalog != _catalog;
        _catalog = Worker.Catalog;
        _isCatalogCertain = (isNew || _isCatalogCertain) && _faults == faultsBefore;
        var isBelieved = _isCatalogCertain && !Worker.IsInDoubt && !IsStalled;
        if (_catalog is not null && isBelieved && !Replica.WasDamaged && !Replica.WasListedLate && !Replica.HasTwoWriters)
        {
            World.Check(
                _catalog.Files.SequenceEqual(Replica.Files),
                $"{Replica.Name}: the catalogue is what a listing shows: {Replica.Text(_catalog.Files)} is not {Replica.Text(Replica.Files)}");
        }
    }
}
