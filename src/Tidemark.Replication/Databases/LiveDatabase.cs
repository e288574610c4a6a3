using Tidemark.Formats;
using Tidemark.Formats.Wal;

namespace Tidemark.Replication.Databases;

/// <summary>The two connections to a live database. At any time one of them may be the guard, which holds a read transaction.</summary>
/// <remarks>
/// <para>SQLite overwrites a WAL from its start only when all of it is in the database file and no reader uses it any more. While the
/// guard's read mark stands in the WAL, nobody can restart it, so no frame can vanish before it is captured. A guard at mark 0 (the WAL was
/// wholly in the database file when it began) allows one restart; but nobody can move the new frames into the file, so it cannot happen
/// twice.</para>
/// <para>Not thread-safe: one owner, one step at a time.</para>
/// </remarks>
internal sealed class LiveDatabase : IDisposable
{
    private DatabaseConnection _free;
    private DatabaseConnection _other;

    private LiveDatabase(DatabaseConnection free, DatabaseConnection other) => (_free, _other) = (free, other);

    /// <summary>The connection that is not the guard. It is outside a transaction between steps.</summary>
    public DatabaseConnection Free => _free;

    /// <summary>The guard, or null while none is held.</summary>
    public DatabaseConnection? Guard => _other.IsInTransaction ? _other : null;

    /// <summary>Path of the WAL.</summary>
    public string WalPath => _free.WalPath;

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

        DatabaseConnection? first = null;
        try
        {
            first = DatabaseConnection.Open(path, busyTimeout);
            if (first.PageCount == 0)
            {
                first.Dispose();
                return null;
            }

            if (first.IsReadOnly)
            {
                throw new DatabaseException(
                    $"{path}: this user may only read the database.",
                    "Give this user the right to write the file and its folder; WAL mode needs it.");
            }

            if (first.JournalMode != "wal" && first.SwitchToWal() is var mode and not "wal")
            {
                throw new DatabaseException(
                    $"{path}: the database stays in journal mode '{mode}' and cannot be switched to WAL.",
                    "Close long transactions and connections with locking_mode=EXCLUSIVE.")
                {
                    IsTransient = true,
                };
            }

            return new LiveDatabase(first, DatabaseConnection.Open(path, busyTimeout));
        }
        catch
        {
            first?.Dispose();
            throw;
        }
    }

    /// <summary>True when the path no longer leads to the open file: it was deleted or replaced.</summary>
    public bool HasMoved() => _free.HasMoved();

    /// <summary>Makes the free connection, which must be in a read transaction, the guard, and ends the old guard's transaction.</summary>
    /// <remarks>Only when everything up to the free connection's snapshot is in the spool.</remarks>
    public void HandOver()
    {
        Invariant.Holds(_free.IsInTransaction, "Only a connection in a read transaction can become the guard.");
        (_free, _other) = (_other, _free);
        _free.Rollback();
    }

    /// <summary>Begins a guard where none is held, so that what follows cannot pull the WAL away.</summary>
    public DatabaseConnection EnsureGuard()
    {
        if (!_other.IsInTransaction)
        {
            _other.BeginRead();
        }

        return _other;
    }

    /// <summary>Begins a read transaction on the free connection whose snapshot stands inside the WAL, also when the database
    /// rests.</summary>
    /// <remarks>With a guard held, one frame is forced; nobody can move it into the file before the free connection's transaction
    /// begins.</remarks>
    /// <exception cref="DatabaseException">Transient when the write lock is not free within the busy timeout.</exception>
    public WalIndexHeader BeginReadInsideWal()
    {
        EnsureGuard();
        _free.ForceFrame();
        _free.BeginRead();
        var snapshot = _free.GetSnapshot();
        Invariant.Holds(snapshot is { FrameCount: > 0 }, $"{_free.Path}: the WAL holds the frame that was just written.");
        return snapshot.Value;
    }

    /// <summary>Closes as an application would: if nobody else has the database open, the WAL goes into the file and is removed.</summary>
    /// <remarks>A WAL that nobody needs is a danger: put another file in the place of the database, and SQLite replays it into that.</remarks>
    public void CloseInOrder()
    {
        _free.Rollback();
        _free.Dispose();
        _other.Rollback();
        _other.CheckpointOnClose();
        _other.Dispose();
    }

    public void Dispose()
    {
        _free.Dispose();
        _other.Dispose();
    }
}
