using Tidemark.Replicas.Files;

namespace Tidemark.Replicas.Follow;

/// <summary>SQLite's locks on a database in rollback mode, as SQLite takes them.</summary>
/// <remarks>
/// <para>A writer first shares the database with readers, so that nobody who takes its journal for that of a crashed writer can roll it
/// back. Then it takes RESERVED, beside which readers go on: then nobody does take it for that. Before the database is changed, PENDING
/// keeps new readers out, so that they cannot hold up the writer for ever, and the range that all share is taken when the last reader has
/// left.</para>
/// <para>Who rolls a journal back must not take RESERVED: readers that come then would take the journal for that of a writer that has
/// changed nothing yet, and read what is to be taken back.</para>
/// <para>See https://www.sqlite.org/lockingv3.html and os.h of SQLite.</para>
/// </remarks>
internal sealed class OutputLock : IDisposable
{
    private const long Pending = 0x4000_0000;
    private const long Reserved = Pending + 1;
    private const long Shared = Pending + 2;
    private const long SharedLength = 510;
    private static readonly TimeSpan s_pauseMin = TimeSpan.FromMilliseconds(1);
    private static readonly TimeSpan s_pauseMax = TimeSpan.FromMilliseconds(20);

    private readonly IFile _file;
    private readonly string _path;
    private readonly TimeProvider _time;

    /// <summary>Takes nothing yet.</summary>
    public OutputLock(IFile file, string path, TimeProvider time) => (_file, _path, _time) = (file, path, time);

    /// <summary>Keeps other writers out.</summary>
    /// <exception cref="FollowException">Another writer is in for too long, or this system has no such locks.</exception>
    public async ValueTask ReserveAsync(TimeSpan wait, CancellationToken cancellationToken)
    {
        if (!await TryWaitAsync(TryReserve, _time.GetTimestamp(), wait, cancellationToken).ConfigureAwait(false))
        {
            throw FollowException.WriterInTheWay(_path, wait);
        }
    }

    /// <summary>Keeps readers out, and waits for those that are in.</summary>
    /// <exception cref="FollowException">They stay for too long.</exception>
    public async ValueTask ExcludeReadersAsync(TimeSpan wait, CancellationToken cancellationToken)
    {
        var started = _time.GetTimestamp();
        if (!await TryWaitAsync(() => TryTake(Pending, 1), started, wait, cancellationToken).ConfigureAwait(false))
        {
            throw FollowException.ReadersInTheWay(_path, wait);
        }

        if (!await TryWaitAsync(() => TryTake(Shared, SharedLength), started, wait, cancellationToken).ConfigureAwait(false))
        {
            // Where it was not reserved before, it may be a writer. PENDING keeps everybody out whom this try could mislead.
            throw TryTake(Reserved, 1) ? FollowException.ReadersInTheWay(_path, wait) : FollowException.WriterInTheWay(_path, wait);
        }
    }

    /// <summary>Lets everybody in.</summary>
    public void Dispose() => _file.UnlockRange(Pending, Shared - Pending + SharedLength);

    private bool TryReserve()
    {
        // PENDING only on the way, as every reader does, so that nobody comes in past a writer that waits.
        if (!TryTake(Pending, 1, isShared: true))
        {
            return false;
        }

        var isShared = TryTake(Shared, SharedLength, isShared: true);
        _file.UnlockRange(Pending, 1);
        if (isShared && TryTake(Reserved, 1))
        {
            return true;
        }

        _file.UnlockRange(Shared, SharedLength); // The writer that is in the way cannot end before all readers have.
        return false;
    }

    private async ValueTask<bool> TryWaitAsync(
        Func<bool> tryTake, long started, TimeSpan wait, CancellationToken cancellationToken)
    {
        for (var pause = s_pauseMin; !tryTake(); pause = pause * 2 < s_pauseMax ? pause * 2 : s_pauseMax)
        {
            if (_time.GetElapsedTime(started) >= wait)
            {
                return false;
            }

            await Task.Delay(pause, _time, cancellationToken).ConfigureAwait(false);
        }

        return true;
    }

    private bool TryTake(long offset, long length, bool isShared = false)
    {
        try
        {
            return _file.TryLockRange(offset, length, isShared);
        }
        catch (PlatformNotSupportedException e)
        {
            throw FollowException.NoLocks(_path, e);
        }
        catch (Exception e) when (FileErrors.IsFileError(e))
        {
            throw FollowException.Failed("lock", _path, e);
        }
    }
}
