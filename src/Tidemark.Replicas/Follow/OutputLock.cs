using Tidemark.Replicas.Files;

namespace Tidemark.Replicas.Follow;

/// <summary>SQLite's locks on a database in rollback mode, as a writer takes them.</summary>
/// <remarks>
/// A writer first takes RESERVED, beside which readers go on: then nobody takes a journal for that of a crashed writer. Before the database
/// is changed, PENDING keeps new readers out, so that they cannot hold up the writer for ever, and the range that readers share is taken
/// when the last one has left. See https://www.sqlite.org/lockingv3.html and os.h of SQLite.
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

    private OutputLock(IFile file, string path, TimeProvider time) => (_file, _path, _time) = (file, path, time);

    /// <summary>Keeps other writers out.</summary>
    /// <exception cref="FollowException">Another writer is in for too long, or this system has no such locks.</exception>
    public static async ValueTask<OutputLock> TakeAsync(
        IFile file, string path, TimeProvider time, TimeSpan wait, CancellationToken cancellationToken)
    {
        var taken = new OutputLock(file, path, time);
        return await taken.TryWaitAsync(Reserved, 1, time.GetTimestamp(), wait, cancellationToken).ConfigureAwait(false)
            ? taken
            : throw FollowException.WriterInTheWay(path, wait);
    }

    /// <summary>Keeps readers out, and waits for those that are in.</summary>
    /// <exception cref="FollowException">They stay for too long. New ones may come in again.</exception>
    public async ValueTask ExcludeReadersAsync(TimeSpan wait, CancellationToken cancellationToken)
    {
        var started = _time.GetTimestamp();
        if (!await TryWaitAsync(Pending, 1, started, wait, cancellationToken).ConfigureAwait(false)
            || !await TryWaitAsync(Shared, SharedLength, started, wait, cancellationToken).ConfigureAwait(false))
        {
            _file.UnlockRange(Pending, 1);
            throw FollowException.ReadersInTheWay(_path, wait);
        }
    }

    /// <summary>Lets everybody in.</summary>
    public void Dispose() => _file.UnlockRange(Pending, Shared - Pending + SharedLength);

    private async ValueTask<bool> TryWaitAsync(
        long offset, long length, long started, TimeSpan wait, CancellationToken cancellationToken)
    {
        for (var pause = s_pauseMin; !TryTake(offset, length); pause = pause * 2 < s_pauseMax ? pause * 2 : s_pauseMax)
        {
            if (_time.GetElapsedTime(started) >= wait)
            {
                return false;
            }

            await Task.Delay(pause, _time, cancellationToken).ConfigureAwait(false);
        }

        return true;
    }

    private bool TryTake(long offset, long length)
    {
        try
        {
            return _file.TryLockRange(offset, length);
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
