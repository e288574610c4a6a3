using Tidemark.Formats;
using Tidemark.Replicas.Files;

namespace Tidemark.Replication.Databases;

/// <summary>The connections to a live database: one that lasts, the guard, which holds a read transaction, and a second one in passing.</summary>
/// <remarks>
/// <para>SQLite overwrites a WAL from its start only when all of it is in the database file and no reader uses it any more. While the
/// guard's read mark stands in the WAL, nobody can restart it, so no frame can vanish before it is captured. A guard at mark 0 (the WAL was
/// wholly in the database file when it began) allows one restart; but nobody can move the new frames into the file, so it cannot happen
/// twice.</para>
/// <para>A guard that is older than it could be is only slower to let checkpoints go on; what it protects is protected all the same. So
/// frames are read under the guard as it stands, and it moves when they are in the spool.</para>
/// <para>A guard inside the WAL also keeps others from starting it over with a checkpoint of their own, and who waits for that keeps writers
/// waiting. So the guard stands there only as long as something is not captured or not in the database file, and otherwise at mark
/// 0.</para>
/// <para>Files of an open database that something other than SQLite has changed are written no more; see
/// <see cref="FindForeignChange"/>.</para>
/// <para>Not thread-safe: one owner, one step at a time.</para>
/// </remarks>
internal sealed class LiveDatabase : IDisposable
{
    // Between its lock on the database and the one on the index, a connection that opens or closes has microseconds; on a busy machine,
    // milliseconds. So nothing is written while one is seen there, and only one that stays there has another index.
    private const int LooksBeforeWrite = 20;
    private static readonly TimeSpan s_secondWalStays = TimeSpan.FromSeconds(3);

    private readonly string _path;
    private readonly IFileSystem _files;
    private readonly TimeProvider _time;
    private readonly TimeSpan _busyTimeout;
    private DatabaseConnection _guard;
    private DatabaseConnection? _second;
    private bool _hasLeftHandles;
    private KnownFiles? _known;
    private int? _indexHandle;
    private long? _secondWalSince;
    private bool _wasSecondWalSeen;
    private WalIndexState? _own;

    // Whether the file was written, as a checkpoint explains, but not yet looked at.
    private bool _isFileUnproven;

    private LiveDatabase(string path, IFileSystem files, TimeProvider time, TimeSpan busyTimeout, DatabaseConnection guard)
    {
        (_path, _files, _time, _busyTimeout, _guard) = (path, files, time, busyTimeout, guard);
        WalPath = guard.WalPath;
        _known = TryLookAtFiles();
    }

    /// <summary>The connection that lasts.</summary>
    public DatabaseConnection Guard => _guard;

    /// <summary>Whether the guard holds a read transaction.</summary>
    public bool IsGuarded => _guard.IsReading;

    /// <summary>Whether the guard is known to stand inside the WAL, so that nobody can start it over.</summary>
    public bool IsGuardInsideWal { get => field && IsGuarded; private set; }

    /// <summary>Whether the guard is known to stand at mark 0, so that it is in nobody's way. Where neither is known, it may stand at either
    /// place.</summary>
    public bool IsGuardAtMark0 { get => field && IsGuarded && !IsGuardInsideWal; private set; }

    /// <summary>Whether the WAL holds nothing of an application that is not in the database file: only a frame that was forced here.</summary>
    public bool HoldsOnlyOwnFrames => _own is { FrameCount: var last, Run: var run }
        && _guard.TryReadIndexState() is { } now
        && now.Run == run
        && now.FrameCount <= last;

    /// <summary>Whether everything in the WAL is in the database file too.</summary>
    public bool IsWalWhollyCopied => _guard.TryReadIndexState() is { IsWhollyCopied: true };

    /// <summary>Whether another process has the database open; null where the system cannot tell.</summary>
    public bool? IsUsedByOthers => _guard.Handle is { } handle ? OpenFileLock.IsDatabaseUsedByOthers(handle) : null;

    /// <summary>Whether a checkpoint of another process waits for readers, and writers for it.</summary>
    public bool IsCheckpointOfOthersWaiting => TryGetIndexHandle() is { } handle && OpenFileLock.IsCheckpointOfOthersWaiting(handle);

    /// <summary>Whether another process is at a checkpoint.</summary>
    public bool IsCheckpointOfOthersAtWork => TryGetIndexHandle() is { } handle && OpenFileLock.IsCheckpointOfOthersAtWork(handle);

    /// <summary>A second connection, opened when it is asked for and closed by <see cref="TryRest"/>.</summary>
    /// <exception cref="DatabaseException">Transient when another file took the place of the open one.</exception>
    public DatabaseConnection Second
        => TryOpenSecond() ? _second! : throw new DatabaseException($"{_path}: another file took the place of the database.", null)
        {
            IsTransient = true,
        };

    /// <summary>Path of the WAL.</summary>
    public string WalPath { get; }

    /// <summary>Whether the database was in another mode before, and is in WAL mode because it was opened here.</summary>
    public bool WasSwitched { get; private init; }

    /// <summary>Path of the WAL index. Only to be looked at, never to be opened.</summary>
    public string ShmPath => string.Concat(WalPath.AsSpan(0, WalPath.Length - 3), "shm");

    /// <summary>Opens a database, and switches it to WAL mode if it is in another.</summary>
    /// <returns>Null when there is no database yet: no file, or an empty one whose creator has not decided on page size and mode.</returns>
    /// <exception cref="DatabaseException">The file is no database, it is refused (<see cref="Admission"/>), or it cannot be
    /// switched.</exception>
    public static LiveDatabase? TryOpen(string path, IFileSystem files, TimeProvider time, TimeSpan busyTimeout)
    {
        if (!File.Exists(path))
        {
            return Directory.Exists(path)
                ? throw new DatabaseException($"{path}: this is a folder, not a database.", "Give the path of a database file.")
                : null;
        }

        Admission.ThrowIfRefused(path);
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
                _ = connection.IsInWalMode(); // Only a read opens the WAL.
            }

            // Another file may have taken the place of the one that was opened; then what is known is not of it.
            var live = new LiveDatabase(path, files, time, busyTimeout, connection) { WasSwitched = !isInWalMode };
            return live.HasMoved() ? throw new ForeignChangeException(path, ForeignChange.DatabaseWasReplaced) : live;
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }

    /// <summary>Looks whether something other than SQLite has changed the three files since they were opened. A few system calls.</summary>
    /// <returns>Null when nothing has, or when it cannot be told.</returns>
    public ForeignChange? FindForeignChange()
    {
        if (_known is not { } known)
        {
            return HasMoved() ? ForeignChange.DatabaseWasReplaced : null;
        }

        if (TryGetIndexHandle() is not null && _guard.TryReadIndexState() is null)
        {
            return ForeignChange.IndexWasReplaced; // It was cut off.
        }

        if (TryLookAtFiles() is { } now)
        {
            if (known.FindChange(now) is { } change)
            {
                return change;
            }

            _isFileUnproven |= now.Database != known.Database;
            _known = now;
            if (_isFileUnproven && CopiedFrames.AreInFile(_files, _guard, WalPath, now.State) is { } areInFile)
            {
                if (!areInFile)
                {
                    return ForeignChange.DatabaseWasWritten;
                }

                _isFileUnproven = false;
            }
        }

        if (!MayHaveSecondWal())
        {
            // Who has come and gone may have written the WAL with an index of its own, which ours knows nothing of.
            _secondWalSince = null;
            return _wasSecondWalSeen ? ForeignChange.IndexWasReplaced : null;
        }

        _secondWalSince ??= _time.GetTimestamp();
        return _time.GetElapsedTime(_secondWalSince.Value) >= s_secondWalStays ? ForeignChange.HasSecondWal : null;
    }

    /// <summary>Looks again, before something is written.</summary>
    /// <exception cref="ForeignChangeException">Something other than SQLite has changed the files.</exception>
    public void ThrowIfChanged()
    {
        if (FindForeignChange() is { } change)
        {
            throw new ForeignChangeException(_path, change);
        }

        for (var look = 0; _secondWalSince is not null; look++)
        {
            if (look == LooksBeforeWrite)
            {
                _wasSecondWalSeen = true;
                throw new ForeignChangeException(_path, ForeignChange.HasSecondWal);
            }

            _ = SqliteLibrary.Sleep(1);
            _ = FindForeignChange();
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
            if (!HasMoved() && opened.IsInWalMode() && !HasMoved() && FindForeignChange() is null)
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
        return (newest.FrameCount == 0 || newest.End == _guard.GetSnapshot().End) && (IsGuardAtMark0 || !IsWalWhollyCopied)
            ? WalLook.Nothing
            : WalLook.New;
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
            var isThere = _guard.TryMoveTo(newest);
            IsGuardInsideWal |= isThere;
            return isThere;
        }

        // The guard cannot go to another run of the WAL by itself: its own place has to be held until another has begun there.
        Second.BeginRead();
        if (!Second.TryMoveTo(newest))
        {
            Second.Rollback();
            return false;
        }

        HandOver(isInsideWal: true);
        return true;
    }

    /// <summary>Lets the guard leave a WAL that is wholly in the database file, where it only keeps others from starting the WAL over: it goes
    /// on at mark 0, at the same state.</summary>
    /// <remarks>
    /// The second connection begins there before the guard ends, so there is no gap. Stays where it is when something was committed
    /// meanwhile.
    /// </remarks>
    public void TryLeaveWal()
    {
        // Who waits for a guard that is believed to be at mark 0 knows better.
        if ((IsGuardAtMark0 && !IsCheckpointOfOthersWaiting) || !IsGuarded || !IsWalWhollyCopied || !TryOpenSecond())
        {
            return;
        }

        Second.BeginRead();
        if (IsWalWhollyCopied && Second.GetSnapshot().End == _guard.GetSnapshot().End)
        {
            HandOver(isInsideWal: false);
        }
        else
        {
            Second.Rollback();
        }
    }

    // Where SQLite puts a reader that begins, it does not say: at mark 0 if all of the WAL is in the file, but inside it if a checkpoint
    // holds the lock of mark 0 just then.
    private void FindWhereGuardStands()
    {
        IsGuardInsideWal = false;
        IsGuardAtMark0 = TryGetIndexHandle() is { } handle ? !OpenFileLock.IsMarkHeldByThisProcess(handle) : IsWalWhollyCopied;
    }

    /// <summary>Makes the second connection, which must be in a read transaction, the guard, and ends the old guard's transaction.</summary>
    /// <remarks>Only when everything up to the second connection's snapshot is in the spool.</remarks>
    /// <param name="isInsideWal">Whether the second connection is known to stand inside the WAL.</param>
    public void HandOver(bool isInsideWal)
    {
        Invariant.Holds(Second.IsReading, "Only a connection in a read transaction can become the guard.");
        (_guard, _second) = (Second, _guard);
        _second.Rollback();
        if (isInsideWal)
        {
            IsGuardInsideWal = true;
        }
        else
        {
            FindWhereGuardStands();
        }
    }

    /// <summary>Ends the guard's transaction and begins another one at the newest state. What was committed since the old one is not
    /// protected, unless nobody can write.</summary>
    public void RenewGuard()
    {
        _guard.Rollback();
        _guard.BeginRead();
        FindWhereGuardStands();
    }

    /// <summary>Begins a guard at the newest state; inside the WAL, if nothing is in the way, so that what is there already stays until
    /// it is captured.</summary>
    public WalSnapshot BeginGuard()
    {
        RenewGuard();
        var snapshot = _guard.GetSnapshot();
        IsGuardInsideWal = snapshot.FrameCount > 0 && _guard.TryMoveTo(snapshot);
        if (!IsGuarded)
        {
            RenewGuard();
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
            RenewGuard();
            var snapshot = _guard.GetSnapshot();
            if (snapshot.FrameCount == 0)
            {
                _guard.Rollback();
                ForceFrame(_guard);
                _guard.BeginRead();
                snapshot = _guard.GetSnapshot();
            }

            if (snapshot.FrameCount > 0 && _guard.TryMoveTo(snapshot))
            {
                IsGuardInsideWal = true;
                return snapshot;
            }
        }

        // Others checkpoint all the time. A guard anywhere keeps them from the next frame.
        RenewGuard();
        var inside = BeginSecondInsideWal();
        HandOver(isInsideWal: true);
        return inside;
    }

    /// <summary>Begins a read transaction on the second connection whose snapshot stands inside the WAL, while a guard is held.</summary>
    /// <remarks>One frame is forced; under the guard nobody can move it into the file before the transaction begins.</remarks>
    /// <exception cref="DatabaseException">Transient when the write lock is not free within the busy timeout.</exception>
    public WalSnapshot BeginSecondInsideWal()
    {
        Invariant.Holds(IsGuarded, "Only a guard keeps the forced frame in the WAL.");
        ForceFrame(Second);
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

    /// <summary>Copies what it can of the WAL into the database file.</summary>
    /// <param name="connection">A connection of this database.</param>
    /// <exception cref="ForeignChangeException">Something other than SQLite has changed the files.</exception>
    public CheckpointProgress CheckpointPassive(DatabaseConnection connection)
    {
        ThrowIfChanged();
        var progress = connection.CheckpointPassive();

        // At once: what is written to the file after this look is not by this checkpoint. And only of the files that were known: others may
        // have taken their place meanwhile.
        _ = FindForeignChange();
        return progress;
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

    /// <summary>Makes sure that no other process has one of the three files open, or can open one before this database is closed.</summary>
    /// <returns>False when another process has one open, or when the system cannot tell.</returns>
    public bool TryKeepFromOthers()
    {
        return IsUsedByOthers == false && TryKeepIndexFromOthers() && _guard.TryLockExclusive();
    }

    /// <summary>Makes sure that no other process has the WAL index open, or can open it before this database is closed.</summary>
    /// <returns>False when another process has it open, or when the system cannot tell.</returns>
    public bool TryKeepIndexFromOthers()
    {
        CloseSecond();
        _guard.Rollback();
        return TryGetIndexHandle() is { } index && OpenFileLock.TryKeepIndexFromOthers(index);
    }

    /// <summary>How the open file, wherever its name is now, compares with what it was when it was last known.</summary>
    public FileChange CompareContent()
    {
        if (_known?.Database is not { } known || _guard.Handle is not { } handle || DatabaseFile.TryGetStamp(handle) is not { } now)
        {
            return FileChange.Unknown;
        }

        // A new name or other rights change the third time, and nothing else.
        return now.SizeBytes != known.SizeBytes ? FileChange.Certain
            : now.ModifiedNs != known.ModifiedNs ? FileChange.Unknown
            : FileChange.None;
    }

    /// <summary>Whether the file has got new times and nothing else, as by touch: a write leaves the time of the last access as it
    /// was.</summary>
    public bool WasTouched() => File.Exists(_path) && File.GetLastAccessTimeUtc(_path) == File.GetLastWriteTimeUtc(_path);

    /// <summary>Whether the WAL was written last before the change of the database file: before another one got its name, or the file was moved
    /// away or overwritten. Then nothing in it can belong to what is there now.</summary>
    public bool IsWalOlderThanChange()
        => _files.TryGetStamp(WalPath) is { } wal
            && (_files.TryGetStamp(_path) ?? (_guard.Handle is { } handle ? DatabaseFile.TryGetStamp(handle) : null)) is { } changed
            && wal.ModifiedNs < changed.ChangedNs;

    /// <summary>Whether the WAL at its path is the one that is open here.</summary>
    public bool IsWalInPlace() => _known?.Wal is { } wal && _files.TryGetStamp(WalPath)?.Identity == wal;

    /// <summary>Whether the WAL index at its path is the one that is open here.</summary>
    public bool IsIndexInPlace() => _known?.Index is { } index && _files.TryGetStamp(ShmPath)?.Identity == index;

    public void Dispose()
    {
        CloseSecond();
        _guard.Dispose();
    }

    private void ForceFrame(DatabaseConnection connection)
    {
        ThrowIfChanged();
        var before = connection.TryReadIndexState();
        connection.ForceFrame();

        // One more, or the first of a WAL that started over: then no commit of an application is among them.
        var isAlone = connection.TryReadIndexState() is { } after
            && before is { IsWhollyCopied: true } old
            && after.FrameCount == (after.Run == old.Run ? old.FrameCount + 1 : 1);
        _own = isAlone ? connection.TryReadIndexState() : null;
    }

    // The files of one moment: between two looks at the index that say the same.
    private KnownFiles? TryLookAtFiles()
    {
        const int AttemptsMax = 8;
        for (var attempt = 0; attempt < AttemptsMax; attempt++)
        {
            if (_guard.TryReadIndexState() is not { } state)
            {
                return null;
            }

            var database = _files.TryGetStamp(_path);
            if (database is null && _known is null)
            {
                return null; // Nothing was known at the beginning either: this system cannot tell.
            }

            var now = new KnownFiles(database, _files.TryGetStamp(WalPath)?.Identity, _files.TryGetStamp(ShmPath)?.Identity, state);
            if (_guard.TryReadIndexState() is { } after && after with { FrameCount = 0 } == state with { FrameCount = 0 })
            {
                return now;
            }
        }

        return null;
    }

    // Whoever has the database open also has its WAL index open; if that is not ours, there is a second WAL.
    private bool MayHaveSecondWal()
        => IsUsedByOthers == true
            && TryGetIndexHandle() is { } index
            && OpenFileLock.IsIndexUsedByOthers(index) == false
            && IsUsedByOthers == true;

    private int? TryGetIndexHandle()
    {
        if (_indexHandle is null && _guard.Handle is { } database && _known?.Index is { } index)
        {
            _indexHandle = DatabaseFile.TryFindIndexHandle(database, index);
        }

        _guard.IndexHandle = _indexHandle;
        return _indexHandle;
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
