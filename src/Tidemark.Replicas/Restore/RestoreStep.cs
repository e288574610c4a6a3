using Tidemark.Replicas.Files;
using Tidemark.Replicas.Stores;

namespace Tidemark.Replicas.Restore;

/// <summary>Restores a database from a replica.</summary>
/// <remarks>
/// <para>The output is never touched before the new database is complete, checked and durable. A restore that fails or is cancelled
/// leaves neither a temporary file nor a changed output. (When the very last operation fails, which makes the new name durable, the
/// complete new database is there already.)</para>
/// <para>Thread-safe: it has no state.</para>
/// </remarks>
/// <param name="store">The replica.</param>
/// <param name="files">Where the database goes.</param>
/// <param name="time">The clock.</param>
public sealed class RestoreStep(IReplicaStore store, IFileSystem files, TimeProvider time)
{
    /// <summary>Plans and restores. See <see cref="RunAsync(RestorePlan, RestoreOptions, CancellationToken)"/>.</summary>
    /// <exception cref="NoMatchingBackupException">The replica is empty, or nothing in it is as old as was asked for.</exception>
    /// <exception cref="TxidNotRestorableException">No files lead to exactly the TXID that was asked for.</exception>
    /// <exception cref="ReplicaHoleException">Files that are needed are missing, while later ones are there.</exception>
    public async ValueTask<RestoreResult> RunAsync(RestoreTarget target, RestoreOptions options, CancellationToken cancellationToken)
    {
        Check(options);
        var started = time.GetTimestamp();
        return await RunAsync(target, null, options, started, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Carries out a plan. When a file of it has vanished meanwhile, its target is planned anew, a few times at most. When one is
    /// damaged, and other files lead to the same state, those are taken, and <see cref="RestoreOptions.OnDamagedFile"/> is told.</summary>
    /// <exception cref="RestoreOutputException">The database cannot be put where it should go.</exception>
    /// <exception cref="DamagedFileException">A file is damaged, and no other files lead to the state.</exception>
    /// <exception cref="RestoreVerificationException">The files do not fit together.</exception>
    /// <exception cref="ReplicaStoreException">The store cannot be read.</exception>
    public async ValueTask<RestoreResult> RunAsync(RestorePlan plan, RestoreOptions options, CancellationToken cancellationToken)
    {
        Check(options);
        return await RunAsync(plan.Target, plan, options, time.GetTimestamp(), cancellationToken).ConfigureAwait(false);
    }

    private ValueTask<RestoreResult> RunAsync(
        RestoreTarget target, RestorePlan? plan, RestoreOptions options, long started, CancellationToken cancellationToken)
        => new StateReading(store, options.OnDamagedFile).RunAsync(
            target, plan, (chosen, token) => CarryOutAsync(chosen, options, started, token), cancellationToken);

    private void Check(RestoreOptions options)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(options.Parallelism, 1, nameof(options));
        using var output = new RestoreOutput(files, options.OutputPath, options.Overwrite, options.OverwriteOpen);
        output.ThrowUnlessAllowed();
    }

    private async ValueTask<RestoreResult> CarryOutAsync(
        RestorePlan plan, RestoreOptions options, long started, CancellationToken cancellationToken)
    {
        using var output = new RestoreOutput(files, options.OutputPath, options.Overwrite, options.OverwriteOpen);
        var sink = new DatabaseFileSink(output.CreateTemporary(), output.TemporaryPath);
        var database = new Materialiser(store, plan, sink, options.Parallelism, time, options.Progress);
        await database.RunAsync(cancellationToken).ConfigureAwait(false);
        if (options.Inspect is { } inspect)
        {
            await inspect(output.TemporaryPath, cancellationToken).ConfigureAwait(false);
            output.RemoveTemporarySidecars();
        }

        cancellationToken.ThrowIfCancellationRequested();
        output.Publish();
        return new RestoreResult
        {
            Plan = plan,
            PageSize = database.PageSize,
            Pages = database.Pages,
            BytesRead = database.BytesRead,
            IsProven = database.IsProven,
            Elapsed = time.GetElapsedTime(started),
        };
    }
}
