using Tidemark.Replicas.Files;
using Tidemark.Replicas.Restore;
using Tidemark.Replicas.Stores;

namespace Tidemark.Replicas.Legacy;

/// <summary>Restores a database from a v0.3 replica.</summary>
/// <remarks>
/// <para>The output is treated as <see cref="RestoreStep"/> does: it is never touched before the new database is complete, checked and
/// durable.</para>
/// <para>What is checked: the checksum of every file, the salts and the running checksum of every frame, that the parts of a WAL and the
/// WALs themselves follow each other, that each WAL ends with a transaction, and the size that the database itself tells. The format has no
/// checksum of the database, so one thing cannot be seen: that the last parts of a WAL are lost, while a later WAL is there. SQLite's
/// integrity check finds most of such losses; see <see cref="RestoreOptions.Inspect"/>.</para>
/// <para>Thread-safe: it has no state.</para>
/// </remarks>
/// <param name="source">The replica.</param>
/// <param name="files">Where the database goes.</param>
/// <param name="time">The clock.</param>
public sealed class LegacyRestoreStep(ILegacyReplicaSource source, IFileSystem files, TimeProvider time)
{
    /// <summary>Plans and restores.</summary>
    /// <exception cref="NoMatchingBackupException">The replica is empty, or nothing in it is as old as was asked for.</exception>
    /// <exception cref="LegacyReplicaException">Files are missing or damaged.</exception>
    /// <exception cref="RestoreOutputException">The database cannot be put where it should go.</exception>
    /// <exception cref="ReplicaStoreException">The store cannot be read.</exception>
    public async ValueTask<LegacyRestoreResult> RunAsync(RestoreTarget target, RestoreOptions options, CancellationToken cancellationToken)
        => await RunAsync(
            LegacyRestorePlan.From(await source.ListLegacyAsync(cancellationToken).ConfigureAwait(false), target),
            options,
            cancellationToken).ConfigureAwait(false);

    /// <summary>Carries out a plan.</summary>
    /// <exception cref="LegacyReplicaException">Files are missing or damaged.</exception>
    /// <exception cref="RestoreOutputException">The database cannot be put where it should go.</exception>
    /// <exception cref="ReplicaStoreException">The store cannot be read.</exception>
    public async ValueTask<LegacyRestoreResult> RunAsync(
        LegacyRestorePlan plan, RestoreOptions options, CancellationToken cancellationToken)
    {
        var started = time.GetTimestamp();
        using var output = new RestoreOutput(files, options.OutputPath, options.Overwrite, options.OverwriteOpen);
        output.ThrowUnlessAllowed();
        var replay = new LegacyReplay(source, plan, output.CreateTemporary(), output.TemporaryPath, options.Progress);
        await replay.RunAsync(cancellationToken).ConfigureAwait(false);
        if (options.Inspect is { } inspect)
        {
            await inspect(output.TemporaryPath, cancellationToken).ConfigureAwait(false);
            output.RemoveTemporarySidecars();
        }

        cancellationToken.ThrowIfCancellationRequested();
        output.Publish();
        return new LegacyRestoreResult
        {
            Plan = plan,
            PageSize = replay.PageSize,
            Pages = replay.Pages,
            BytesRead = replay.BytesRead,
            Elapsed = time.GetElapsedTime(started),
        };
    }
}
