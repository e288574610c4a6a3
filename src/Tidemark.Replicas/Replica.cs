using Tidemark.Replicas.Files;
using Tidemark.Replicas.Follow;
using Tidemark.Replicas.Restore;
using Tidemark.Replicas.Stores;

namespace Tidemark.Replicas;

/// <summary>The backups of one database, for applications that restore it before they open it, or follow it while they run.</summary>
/// <remarks>
/// <para>Thread-safe: it has no state. It needs no disposal.</para>
/// <para>Failures are <see cref="Formats.TidemarkException"/>: the message says where and what, the hint what to do, and
/// <see cref="Formats.TidemarkException.IsTransient"/> whether trying again can help.</para>
/// </remarks>
/// <param name="store">Where the backups lie.</param>
/// <param name="files">Where databases go.</param>
/// <param name="time">The clock.</param>
public sealed class Replica(IReplicaStore store, IFileSystem files, TimeProvider time)
{
    /// <summary>Opens a replica by its URL, for databases on this machine. Nothing is connected to, created or read yet.</summary>
    /// <param name="url">For instance <c>file:///backup/app</c>; see <see cref="StoreUrl"/>.</param>
    /// <exception cref="StoreUrlException">The URL names no store that Tidemark has.</exception>
    public static Replica Open(string url)
    {
        var (files, time) = (PhysicalFileSystem.Instance, TimeProvider.System);
        return new Replica(ReplicaStores.Open(url, files, time), files, time);
    }

    /// <summary>Restores a database. No file of that name may be open in any program.</summary>
    /// <remarks>The output gets its name when it is complete, checked and durable. A call that fails or is cancelled leaves what was
    /// there. Replicas of Litestream 0.3 are restored by <see cref="Legacy.LegacyRestoreStep"/>.</remarks>
    /// <param name="options">Where it goes, and how.</param>
    /// <param name="target">Which state; the latest when null.</param>
    /// <param name="cancellationToken">Ends it; nothing is left.</param>
    /// <returns>What was restored.</returns>
    /// <exception cref="NoMatchingBackupException">The replica is empty, or nothing in it is as old as was asked for.</exception>
    /// <exception cref="TxidNotRestorableException">No files lead to exactly the TXID that was asked for.</exception>
    /// <exception cref="ReplicaHoleException">Files that are needed are missing, while later ones are there.</exception>
    /// <exception cref="DamagedFileException">A file is damaged, and no others lead to the state.</exception>
    /// <exception cref="RestoreVerificationException">The files do not fit together.</exception>
    /// <exception cref="RestoreOutputException">The database cannot be put where it should go: something is there, for instance.</exception>
    /// <exception cref="ReplicaStoreException">The store cannot be read.</exception>
    public ValueTask<RestoreResult> RestoreAsync(
        RestoreOptions options, RestoreTarget? target = null, CancellationToken cancellationToken = default)
        => new RestoreStep(store, files, time).RunAsync(target ?? new RestoreTarget.Latest(), options, cancellationToken);

    /// <summary>Keeps a database up to date with the replica, and gives each state when it has been reached. Linux only.</summary>
    /// <remarks>
    /// <para>Others may read the database with SQLite at any time, also with connections that stay open, and see one state or the next,
    /// never a mixture. Nobody may write to it. Only one follower can follow into a database at a time.</para>
    /// <para>The work is done while the next state is awaited, so whoever stops asking stops following. In a process that also reads the
    /// database, end the iteration after the last connection was closed.</para>
    /// <para>All else, failures included, is as <see cref="Follower.FollowAsync"/> tells.</para>
    /// </remarks>
    /// <param name="options">Which database, and how.</param>
    /// <param name="cancellationToken">Ends it with <see cref="OperationCanceledException"/>.</param>
    public IAsyncEnumerable<FollowPosition> FollowAsync(FollowOptions options, CancellationToken cancellationToken = default)
        => new Follower(store, files, time).FollowAsync(options, cancellationToken);
}
