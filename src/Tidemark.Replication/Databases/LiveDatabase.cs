using Tidemark.Formats;

namespace Tidemark.Replication.Databases;

/// <summary>The connections to a live database: one that lasts, the guard, which holds a read transaction, and a second one in passing.</summary>
/// <remarks>
/// <para>SQLite overwrites a WAL from its start only when all of it is in the database file and no reader uses it any more. While the
/// guard's read mark stands in the WAL, nobody can restart it, so no frame can vanish before it is captured. A guard at mark 0 (the WAL was
/// wholly in the database file when it began) allows one restart; but nobody can move the new frames into the file, so it cannot happen
/// twice.</para>
/// <para>A guard that is older than it could be is only slower to let checkpoints go on; what it protects is protected all the same. So
/// frames are read under the guard as it stands, and it moves when they are in the spool.</para>
/// <para>Not thread-safe: one owner, one step at a time.</para>
/// </remarks>
internal sealed class LiveDatabase : IDisposable
{
    private readonly string _path;
    private readonly TimeSpan _busyTimeout;
    private DatabaseConnection _guard;
    private DatabaseConnection? _second;
    private bool _hasLeftHandles;

    private LiveDatabase(string path, TimeSpan busyTimeout, DatabaseConnection guard)
    {
        (_path, _busyTimeout, _guard) = (path, busyTimeout, guard);
        WalPath = guard.WalPath;
    }

    /// <summary>The connection that lasts.</summary>
    public DatabaseConnection Guard => _guard;

    /// <summary>Whether the guard holds a read transaction.</summary>
    public bool IsGuarded => _guard.IsReading;

    /// <summary>A second connection, opened when it is asked for and closed by <see cref="TryRest"/>.</summary>
    /// <exception cref="DatabaseException">Transient when another file took the place of the open one.</exception>
    public DatabaseConnection Second
        => TryOpenSecond() ? _second! : throw new DatabaseException($"{_path}: another file took the place of the database.", null)
        {
            IsTransient = true,
        };

    /// <summary>Path of the WAL.</summary>
    public string WalPath { get; }

    /// <summary>Path of the WAL index. Only to be looked at, never to be opened.</summary>
    public string ShmPath => string.Concat(WalPath.AsSpan(0, WalPath.Length - 3), "shm");

    /// <summary>Opens a database, and switches it to WAL mode if it is in another.</summary>
    /// <returns>Null when there is no database yet: no file, or an empty one whose creator has not decided on page size and mode.</returns>
    /// <exception cref="DatabaseException">The file is no database, this user may not write it, or it cannot be switched.</exception>
    public static LiveDatabase? TryOpen(string path, TimeSpan busyTimeout)
    {
        if (!File.Exists(path))
        {
            return Directory.Exists(path)
                ? throw new DatabaseException($"{path}: this is a folder, not a database.", "Give the path of a database file.")
                : null;
        }

        var connection = DatabaseConnection.Open(path, busyTimeout);
        try
        {
            var isInWalMode = connection.IsInWalMode();
            if (!isInWalMode && connection.PageCount == 0)
            {
                connection.Dispose();
                return null;
            }

            if (connection.IsReadOnly)
            {
                throw new DatabaseException(
                    $"{path}: this user may only read the database.",
                    "Give this user the right to write the file and its folder; WAL mode needs it.");
            }

            if (!isInWalMode)
            {
                SwitchToWal(path, connection);

                // With the connection goes all that SQLite had to learn of the schema for this.
                connection.Dispose();
                connection = DatabaseConnection.Open(path, busyTimeout);
            }

            return new LiveDatabase(path, busyTimeout, connection);
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }

    /// <summary>True when the path no longer leads to the open file: it was deleted or replaced. One system call.</summary>
    public bool HasMoved() => _guard.HasMoved();

    /// <summary>Opens the second connection if it is not open; false when another file took the place of the open one.</summary>
    public bool TryOpenSecond()
    {
        if (_second is not null)
        {
            return true;
        }

        DatabaseConnection? opened;
        try
        {
            opened = DatabaseConnection.Open(_path, _busyTimeout);
            _hasLeftHandles = true; // When it is closed.
        }
        catch (DatabaseException) when (HasMoved())
        {
            return false;
        }

        try
        {
            // Asked after opening: then both have the same file. And after the first read, since SQLite opens the WAL only then, without
            // which it would not checkpoint either.
            if (!HasMoved() && opened.IsInWalMode() && !HasMoved())
            {
                (_second, opened) = (opened, null);
            }

            return _second is not null;
        }
        finally
        {
            opened?.Dispose();
        }
    }

    /// <summary>Looks whether anything was committed since the guard's snapshot. No system call, no lock, no transaction.</summary>
    public WalLook LookAtWal()
    {
        if (!IsGuarded || _guard.TryReadNewest() is not { } newest)
        {
            return WalLook.CannotTell;
        }

        // A WAL that was started over and holds nothing yet adds nothing to what the guard sees.
        return newest.FrameCount == 0 || newest.End == _guard.GetSnapshot().End ? WalLook.Nothing : WalLook.New;
    }

    /// <summary>The newest committed state, while a guard is held.</summary>
    public WalSnapshot ReadNewest()
    {
        Invariant.Holds(IsGuarded, "The end of the WAL is read under a guard.");
        if (_guard.TryReadNewest() is { } newest)
        {
            return newest;
        }

        // A writer died while it wrote the index. SQLite mends it when a transaction begins.
        Second.BeginRead();
        try
        {
            return Second.GetSnapshot();
        }
        finally
        {
            Second.Rollback();
        }
    }

    /// <summary>Moves the guard to a state up to which everything is in the spool.</summary>
    /// <remarks>
    /// The state is newer than the guard's. So there are frames that the guard keeps from being moved into the database file, and while it
    /// moves, SQLite's checkpoint lock does: a WAL that is not wholly in the file cannot be started over.
    /// </remarks>
    /// <param name="newest">What <see cref="ReadNewest"/> said before.</param>
    /// <returns>False when something is in the way, as a checkpoint of others: then the guard stays where it is.</returns>
    public bool TryMoveGuard(in WalSnapshot newest)
    {
        var old = _guard.GetSnapshot().End;
        if (newest.FrameCount == 0 || newest.End == old)
        {
            return true;
        }

        if (newest.End?.Salts == old?.Salts)
        {
            return _guard.TryMoveTo(newest);
        }

        // The guard cannot go to another run of the WAL by itself: its own place has to be held until another has begun there.
        Second.BeginRead();
        if (!Second.TryMoveTo(newest))
        {
            Second.Rollback();
            return false;
        }

        HandOver();
        return true;
    }

    /// <summary>Makes the second connection, which must be in a read transaction, the guard, and ends the old guard's transaction.</summary>
    /// <remarks>Only when everything up to the second connection's snapshot is in the spool.</remarks>
    public void HandOver()
    {
        Invariant.Holds(Second.IsReading, "Only a connection in a read transaction can become the guard.");
        (_guard, _second) = (Second, _guard);
        _second.Rollback();
    }

    /// <summary>Begins a guard at the newest state; inside the WAL, if nothing is in the way, so that what is there already stays until
    /// it is captured.</summary>
    public WalSnapshot BeginGuard()
    {
        _guard.Rollback();
        _guard.BeginRead();
        var snapshot = _guard.GetSnapshot();
        if (snapshot.FrameCount > 0 && !_guard.TryMoveTo(snapshot) && !IsGuarded)
        {
            _guard.BeginRead();
            snapshot = _guard.GetSnapshot();
        }

        return snapshot;
    }

    /// <summary>Begins a guard anew at the newest state, where its snapshot stands inside the WAL, also when the database rests. What was
    /// committed since the old one is not protected.</summary>
    /// <exception cref="DatabaseException">Transient when the write lock is needed and not free within the busy timeout.</exception>
    public WalSnapshot BeginGuardInsideWal()
    {
        const int AttemptsMax = 3;
        for (var attempt = 0; attempt < AttemptsMax; attempt++)
        {
            _guard.Rollback();
            _guard.BeginRead();
            var snapshot = _guard.GetSnapshot();
            if (snapshot.FrameCount == 0)
            {
                _guard.Rollback();
                _guard.ForceFrame();
                _guard.BeginRead();
                snapshot = _guard.GetSnapshot();
            }

            if (snapshot.FrameCount > 0 && _guard.TryMoveTo(snapshot))
            {
                return snapshot;
            }
        }

        // Others checkpoint all the time. A guard anywhere keeps them from the next frame.
        _guard.Rollback();
        _guard.BeginRead();
        var inside = BeginSecondInsideWal();
        HandOver();
        return inside;
    }

    /// <summary>Begins a read transaction on the second connection whose snapshot stands inside the WAL, while a guard is held.</summary>
    /// <remarks>One frame is forced; under the guard nobody can move it into the file before the transaction begins.</remarks>
    /// <exception cref="DatabaseException">Transient when the write lock is not free within the busy timeout.</exception>
    public WalSnapshot BeginSecondInsideWal()
    {
        Invariant.Holds(IsGuarded, "Only a guard keeps the forced frame in the WAL.");
        Second.ForceFrame();
        Second.BeginRead();
        var snapshot = Second.GetSnapshot();
        Invariant.Holds(snapshot.FrameCount > 0, $"{_path}: the WAL holds the frame that was just written.");
        return snapshot;
    }

    /// <summary>Closes the second connection, if it is open, and gives back what the guard does not need while nothing happens.</summary>
    /// <returns>False when the guard has lost its lock on the database file: then everything has to be closed.</returns>
    public bool TryRest()
    {
        CloseSecond();
        if (_hasLeftHandles && IsGuarded)
        {
            _hasLeftHandles = false;
            if (!_guard.TryCloseLeftHandles(_busyTimeout))
            {
                return false;
            }
        }

        _guard.Rest();
        return true;
    }

    /// <summary>Closes as an application would: if nobody else has the database open, the WAL goes into the file and is removed.</summary>
    /// <remarks>A WAL that nobody needs is a danger: put another file in the place of the database, and SQLite replays it into that.</remarks>
    public void CloseInOrder()
    {
        CloseSecond();
        _guard.Rollback();
        _guard.CheckpointOnClose();
        _guard.Dispose();
    }

    public void Dispose()
    {
        CloseSecond();
        _guard.Dispose();
    }

    private void CloseSecond()
    {
        _second?.Dispose();
        _second = null;
    }

    private static void SwitchToWal(string path, DatabaseConnection connection)
    {
        if (connection.JournalMode != "wal" && connection.SwitchToWal() is var mode and not "wal")
        {
            throw new DatabaseException(
                $"{path}: the database stays in journal mode '{mode}' and cannot be switched to WAL.",
                "Close long transactions and connections with locking_mode=EXCLUSIVE.")
            {
                IsTransient = true,
            };
        }
    }
}
