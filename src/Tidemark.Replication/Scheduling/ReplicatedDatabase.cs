using System.Buffers.Binary;
using Tidemark.Formats;
using Tidemark.Replicas.Stores;
using Tidemark.Replication.Capture;
using Tidemark.Replication.Checkpoints;
using Tidemark.Replication.Databases;
using Tidemark.Replication.Health;
using Tidemark.Replication.Upload;

namespace Tidemark.Replication.Scheduling;

/// <summary>A database, its spool and its destinations, and what is done with them whether it runs on, runs once, or comes to its
/// end.</summary>
/// <remarks>Who uses the connections of the database holds <see cref="Steps"/>. The status may be asked for from any thread.</remarks>
internal sealed class ReplicatedDatabase : IDisposable
{
    private readonly Action _changed;
    private readonly BaseReader _base;
    private bool _hasWarnedOfWriter;

    /// <summary>Reads the spool; nothing is opened or started.</summary>
    /// <param name="options">The database.</param>
    /// <param name="scope">What the run shares.</param>
    /// <param name="changed">Called after something changed at a destination that a step must look at. From any thread.</param>
    /// <exception cref="IOException">The spool cannot be created or read.</exception>
    public ReplicatedDatabase(DatabaseOptions options, ReplicationScope scope, Action changed)
    {
        (Options, Scope, _changed) = (options, scope, changed);
        var path = scope.Files.FinalPath(options.SpoolPath ?? Spool.DefaultPath(scope.Files, options.DatabasePath));
        var spool = Spool.Open(Spool.FilesFor(scope.Files, options.DatabasePath, path), path);
        try
        {
            Source = new CapturedDatabase(options.DatabasePath, spool, scope.Files, scope.Time, SettingsOf(options))
            {
                Abandoned = (change, wal) => scope.Logger.ForeignChange(
                    options.DatabasePath,
                    ForeignChangeText.Describe(change),
                    AbandonedWalText.Describe(wal),
                    ForeignChangeText.Advise(change)),
                Switched = () => scope.Logger.SwitchedToWal(options.DatabasePath),
            };
        }
        catch
        {
            spool.Dispose();
            throw;
        }

        Health = new DatabaseHealth(options, scope, Source.Position?.Txid ?? Txid.None);
        Destinations = [.. options.Destinations.Select(
            (store, number) => new DestinationWorker(PatientWith(store), number, spool, Source.Lineage, options, scope)
            {
                Changed = OnDestinationChanged,
            })];
        Upkeep = new SpoolUpkeep(Source, Destinations, options.SpoolBytesMax, scope.Logger);
        Images = new ImageWriter(Source, Destinations, Offer, scope);
        Audits = new DatabaseAudits(Source, options, Health, Offer, scope);
        Audits.Load();
        _base = new BaseReader(Source, Destinations, scope);
    }

    public DatabaseOptions Options { get; }

    /// <summary>What the run shares.</summary>
    public ReplicationScope Scope { get; }

    /// <summary>What is captured, with its spool.</summary>
    public CapturedDatabase Source { get; }

    public IReadOnlyList<DestinationWorker> Destinations { get; }

    public DatabaseHealth Health { get; }

    public ImageWriter Images { get; }

    public DatabaseAudits Audits { get; }

    public SpoolUpkeep Upkeep { get; }

    /// <summary>Held by whoever uses the connections: one step at a time, and the sweep between two steps.</summary>
    public SemaphoreSlim Steps { get; } = new(1, 1);

    /// <summary>How the database stands. From any thread.</summary>
    public DatabaseStatus GetStatus()
    {
        var wal = Scope.Files.TryGetFacts(Source.Live?.WalPath ?? Options.DatabasePath + "-wal");
        return Health.GetStatus(
            wal?.SizeBytes ?? 0, Source.Spool.SizeBytes, Destinations.Select(destination => destination.GetStatus()));
    }

    /// <summary>Takes what became known of the destinations: the next TXID follows what they hold.</summary>
    public void TakeHeads()
    {
        foreach (var destination in Destinations)
        {
            if (destination.TakeHead() is { } head)
            {
                Source.NoteReplica(head.Txid, head.PageSize);
            }
        }

        Offer();
    }

    /// <summary>Captures everything that is committed now, compared with what a destination holds where the spool does not know
    /// it.</summary>
    /// <returns>The last capture. More is left only if the token ended it.</returns>
    public async ValueTask<CaptureResult> CaptureAsync(CancellationToken stopping)
    {
        await _base.ReadIfMissingAsync(stopping).ConfigureAwait(false);
        var last = CaptureStep.Run(Source, result =>
        {
            Take(result);
            return !stopping.IsCancellationRequested;
        });
        Take(last);
        return last;

        void Take(in CaptureResult result)
        {
            Health.NoteCapture(result);
            Audits.NoteCapture(result);
            if (result.Outcome is not (CaptureOutcome.Idle or CaptureOutcome.NoDatabase))
            {
                WarnOfWriter();
                Upkeep.KeepWithinBounds();
                Offer();
            }
        }
    }

    /// <summary>Tells the destinations up to where they can ship.</summary>
    public void Offer()
    {
        var captured = Source.Position?.Txid ?? Txid.None;
        Health.Captured = captured;
        foreach (var destination in Destinations)
        {
            destination.Offer(captured);
        }
    }

    /// <summary>Leaves the database as its application would, and word for the next start; after everything was captured.</summary>
    /// <returns>What something other than SQLite has done to the files meanwhile; then they were not touched.</returns>
    public async ValueTask<ForeignChange?> EndInOrderAsync()
    {
        var prepared = EndStep.Prepare(Source);
        if (prepared is not null)
        {
            await Task.Delay(EndStep.QuietTime, Scope.Time, CancellationToken.None).ConfigureAwait(false);
        }

        return EndStep.Complete(Source, prepared);
    }

    /// <summary>Closes the database; destinations go on.</summary>
    /// <param name="inOrder">Whether everything was captured; see <see cref="EndInOrderAsync"/>.</param>
    /// <returns>What something other than SQLite has done to the files since the last capture; null when nothing.</returns>
    public async ValueTask<ForeignChange?> CloseAsync(bool inOrder)
    {
        await Steps.WaitAsync(CancellationToken.None).ConfigureAwait(false);
        try
        {
            var change = inOrder ? await EndInOrderAsync().ConfigureAwait(false) : null;
            Audits.End(inOrder && change is null);
            Source.Close();
            return change;
        }
        finally
        {
            Steps.Release();
        }
    }

    public void Dispose()
    {
        // The sweep may be about to look at what is closed here. Whoever comes later finds it closed.
        Steps.Wait(CancellationToken.None);
        Source.Dispose();
        Steps.Release();
    }

    // With Tidemark, every database is one of several connections, which is where the bug lies.
    private void WarnOfWriter()
    {
        Span<byte> header = stackalloc byte[sizeof(int)];
        if (!_hasWarnedOfWriter && Source.Live is { } live)
        {
            live.Guard.ReadFile(SqliteVersion.HeaderOffset, header);
            var writer = new SqliteVersion(BinaryPrimitives.ReadInt32BigEndian(header));
            if (writer.HasWalResetBug)
            {
                _hasWarnedOfWriter = true;
                Scope.Logger.WriterHasWalResetBug(Options.DatabasePath, writer);
            }
        }
    }

    private static CaptureSettings SettingsOf(DatabaseOptions options) => new(
        options.CaptureBytesMax > 0 ? options.CaptureBytesMax : long.MaxValue, options.BusyTimeout, Environment.ProcessorCount)
    {
        HasProcessToItself = options.HasProcessToItself,
    };

    private PatientStore PatientWith(IReplicaStore store) => new(
        store,
        Scope.Time,
        (what, elapsed) => Scope.Logger.TakesLong(Options.DatabasePath, $"{what} at {store.Name}", elapsed.TotalSeconds));

    private void OnDestinationChanged()
    {
        Upkeep.Clean();
        _changed();
    }
}
