using Tidemark.Formats;
using Tidemark.Formats.Wal;
using Tidemark.Replicas.Files;
using Tidemark.Replicas.Restore;
using Tidemark.Replication.Databases;

namespace Tidemark.Replication.Capture;

/// <summary>The state of one database under capture: its connections, its spool, and where capture stands. The one owner of all
/// three.</summary>
/// <remarks>
/// Invariant: <see cref="GuardIsUninterrupted"/> is true only while a guard has been held without a gap since <see cref="Position"/> was
/// taken, and everything up to the guard's snapshot is in the spool. Not thread-safe: one step at a time.
/// </remarks>
internal sealed class CapturedDatabase : IDisposable
{
    private readonly SettlingFiles _settling;
    private PageChecksums? _checksums;
    private PageSize? _replicaPageSize;
    private (string WalPath, WalSalts? Run)? _replaced;
    private OrderlyEnd? _left;
    private string? _walPath;
    private bool _hasSeenForeignChange;

    public CapturedDatabase(string path, Spool spool, IFileSystem files, TimeProvider time, CaptureSettings settings)
    {
        (Path, Spool, Files, Time, Settings) = (path, spool, files, time, settings);
        _settling = new SettlingFiles(files, time);
        Position = PositionRecovery.Recover(spool, out var evidence);
        Evidence = evidence;
        ReplicaTxid = spool.ListCaptures() is [.., var newest] ? newest.MaxTxid : Txid.None;
        var lineage = (Position ?? spool.ReadPosition())?.Lineage ?? Lineage.None;
        lineage = lineage != Lineage.None ? lineage : spool.Destinations.Writer;
        Lineage = lineage != Lineage.None ? lineage : Lineage.Create();
        StrandedImages.Delete(spool, Position);
        _checksums = Position is { Checksum: not null } position ? PositionRecovery.RecoverChecksums(spool, position) : null;
        _left = spool.ReadEnd();
        _checksums?.CloseFile();
    }

    /// <summary>Called after the database was switched to WAL mode.</summary>
    public Action Switched { get; init; } = static () => { };

    /// <summary>Path of the database.</summary>
    public string Path { get; }

    /// <summary>Its spool.</summary>
    public Spool Spool { get; }

    public IFileSystem Files { get; }

    public TimeProvider Time { get; }

    public CaptureSettings Settings { get; }

    /// <summary>The connections, or null while there is no database.</summary>
    public LiveDatabase? Live { get; private set; }

    /// <summary>Where capture stands, or null before the first capture.</summary>
    public Position? Position { get; private set; }

    /// <summary>What could prove a position whose frame checksum is not known; null when nothing can.</summary>
    public PositionEvidence? Evidence { get; private set; }

    /// <summary>See the class.</summary>
    public bool GuardIsUninterrupted
    {
        get => field && Live is { IsGuarded: true };
        set;
    }

    /// <summary>Why the database is known not to be what was captured last, until the pages that differ are captured.</summary>
    public Discontinuity? Doubt { get; private set; }

    /// <summary>What this writer puts into every file: kept from the spool, or new.</summary>
    public Lineage Lineage { get; }

    /// <summary>The newest TXID that any destination is known to hold, and at the start the newest name in the spool, whatever its
    /// content.</summary>
    public Txid ReplicaTxid { get; private set; }

    /// <summary>The TXID of the next capture: after everything in the spool and in every destination, so that none is ever written
    /// twice.</summary>
    public Txid NextTxid => (Position is { } position && position.Txid > ReplicaTxid ? position.Txid : ReplicaTxid).Next();

    /// <summary>The page checksums of the position, or null while they are not known.</summary>
    public PageChecksums? Checksums
    {
        get
        {
            if (_checksums?.TryOpenFile() == false)
            {
                ForgetChecksums(); // Somebody removed it; it is built again with the next capture.
            }

            return _checksums;
        }
    }

    /// <summary>Whether the page checksums of the state that <see cref="NextTxid"/> follows are known, so that a capture that cannot go on
    /// in the WAL writes only what differs from it.</summary>
    public bool HasBase => _checksums is not null && Position is { Checksum: not null } position && position.Txid >= ReplicaTxid;

    /// <summary>Page size of the captures so far, here or in a destination, or null before the first. A change of it needs a snapshot to
    /// start from.</summary>
    public PageSize? HistoryPageSize => Position?.PageSize ?? _replicaPageSize;

    /// <summary>Tells that a destination holds this TXID. If it is newer than the position, the next capture takes the replica as its
    /// base.</summary>
    public void NoteReplica(Txid txid, PageSize? pageSize)
    {
        if (txid > ReplicaTxid)
        {
            (ReplicaTxid, _replicaPageSize) = (txid, pageSize);
        }
    }

    /// <summary>Called when something other than SQLite has changed the files of the open database: what, and what was done about its
    /// WAL.</summary>
    public Action<ForeignChange, AbandonedWal>? Abandoned { get; init; }

    /// <summary>Path of the WAL, also while the database is closed: beside the real file, whatever links lead there.</summary>
    public string WalPath => Live?.WalPath ?? (_walPath ??= Files.FinalPath(Path) + "-wal");

    /// <summary>Whether the database is closed, with everything captured, and its files are as the orderly end has left them: nobody has it
    /// open in WAL mode, and there is nothing to open it for. A few system calls.</summary>
    public bool IsAtRest => Live is null
        && Doubt is null
        && Position is { Checksum: { } checksum } position
        && _left is { } left
        && (left.Txid, left.Checksum) == (position.Txid, checksum)
        && ReplicaTxid <= position.Txid
        && Files.TryGetStamp(Path) == left.Stamp
        && !Files.FileExists(WalPath);

    /// <summary>Whether something other than SQLite is writing the files just now, so that the database is not opened yet.</summary>
    public bool IsSettling => Live is null && _settling.IsUnderway(Path, WalPath);

    /// <summary>Opens the database if it is not open; false while there is none. Notices when something other than SQLite has changed its
    /// files: then it is opened anew, and its pages are compared.</summary>
    /// <exception cref="DatabaseException">Another file took its place, but the old one's WAL still lies beside it; or its files are being
    /// written by something else.</exception>
    public bool TryOpen()
    {
        _ = LookForForeignChange();
        if (Live is null)
        {
            ThrowIfWalIsOfReplacedFile();
            ThrowIfSettling();
            Live = LiveDatabase.TryOpen(Path, Files, Time, Settings.BusyTimeout);
            if (Live is not null)
            {
                _walPath = null;
                Spool.DeleteEnd();
                if (Live.WasSwitched)
                {
                    Switched();
                }
            }
        }

        return Live is not null;
    }

    /// <summary>Closes the database if something other than SQLite has changed its files; then they are not written any more, and what follows
    /// is an opening with a comparison of all pages. A few system calls.</summary>
    /// <returns>Whether it was closed.</returns>
    public bool LookForForeignChange()
    {
        if (Live?.FindForeignChange() is not { } change)
        {
            return false;
        }

        Abandon(change);
        return true;
    }

    /// <summary>Looks whether the file holds what was captured, as far as some pages tell; if not, closes the database as after any foreign
    /// change. With everything captured and in the file.</summary>
    /// <returns>False when it was closed.</returns>
    public bool CheckSample()
    {
        if (SampleComparison.HoldsWhatWasCaptured(this))
        {
            return true;
        }

        Abandon(ForeignChange.DatabaseWasWritten);
        return false;
    }

    /// <summary>Waits with the next opening where the file of a closed database was written without a WAL: not by an application in WAL mode,
    /// but by a copy that may still go on.</summary>
    public void WaitIfWrittenWithoutWal()
    {
        if (Live is null && _left is { } left && Files.TryGetStamp(Path) is { } stamp && stamp != left.Stamp && !Files.FileExists(WalPath))
        {
            _left = null;
            _settling.Begin(Path, WalPath);
        }
    }

    /// <summary>Whether the database file is the one that an orderly end left behind, at the position. Within a read transaction.</summary>
    public bool IsAsLeft()
        => Doubt is null
            && _left is { } left
            && left.Txid == Position?.Txid
            && left.Checksum == Position.Checksum
            && left.ChangeCounter == Live!.Guard.ReadChangeCounter()
            && left.Stamp == Files.TryGetStamp(Path)
            && !Live.HasMoved();

    /// <summary>Notes how an orderly end has left the file.</summary>
    public void NoteEnd(OrderlyEnd end)
    {
        _left = end;
        Spool.WriteEnd(end);
    }

    /// <summary>Lets the position go on at the beginning of a WAL which was begun after an orderly end, and of which nothing is in the
    /// database file yet: so it holds all that was committed since. With the guard at its end.</summary>
    public void ContinueAsLeft(in WalSnapshot seen)
    {
        if (GuardIsUninterrupted
            || seen.End is not { FrameCount: > 0 } end
            || Position is not { } position
            || end.PageSize != position.PageSize
            || !IsAsLeft())
        {
            return;
        }

        using var wal = WalFile.Open(Files, Live!.WalPath, end);
        Position = position with { Salts = end.Salts, Frame = 0, FrameChecksum = wal.Header.Checksum };
        Evidence = null;
    }

    /// <summary>Begins a guard where none is held, and returns the newest committed state, or that at which the guard began.</summary>
    public WalSnapshot EnsureGuard()
    {
        if (Live!.IsGuarded)
        {
            return Live.ReadNewest();
        }

        GuardIsUninterrupted = false;
        return Live.BeginGuard();
    }

    /// <summary>Begins a guard anew, inside the WAL at the newest state; see <see cref="LiveDatabase.BeginGuardInsideWal"/>.</summary>
    public WalSnapshot BeginGuardInsideWal()
    {
        GuardIsUninterrupted = false;
        return Live!.BeginGuardInsideWal();
    }

    /// <summary>Looks whether a capture would find anything. Costs no system call, so it may be asked often.</summary>
    public WalLook LookAtWal() => GuardIsUninterrupted ? Live!.LookAtWal() : WalLook.CannotTell;

    /// <summary>Gives back what a database needs only while a step is at work. Where the guard cannot stay, everything is closed, and the next
    /// capture has to prove that the WAL continues.</summary>
    public void Rest()
    {
        if (Live?.TryRest() == false)
        {
            Close();
        }

        _checksums?.CloseFile();
    }

    /// <summary>Closes the connections at an orderly end, when everything is captured; see <see cref="LiveDatabase.CloseInOrder"/>.</summary>
    /// <returns>What something other than SQLite has done to the files meanwhile; then they were not touched.</returns>
    public ForeignChange? CloseInOrder()
    {
        if (Live is not { } live || !GuardIsUninterrupted)
        {
            return null;
        }

        if (live.FindForeignChange() is { } change)
        {
            Abandon(change);
            return change;
        }

        if (IsOtherThanItsWalSays(live))
        {
            Close();
            return ForeignChange.DatabaseWasWritten;
        }

        if (Settings.HasProcessToItself && StaleWal.TryRemove(this, live))
        {
            Close();
            return null;
        }

        GuardIsUninterrupted = false;
        Live = null;
        live.CloseInOrder();
        return null;
    }

    // A file that was overwritten beside a running application is read as the WAL's index says as long as somebody has it open, and as its
    // own header says from then on.
    private bool IsOtherThanItsWalSays(LiveDatabase live)
        => _hasSeenForeignChange
            && live.IsWalWhollyCopied
            && Position is { } position
            && (live.Guard.PageSize != position.PageSize || (live.Guard.ReadPageCount() is { } count && count != position.PageCount));

    /// <summary>Closes the connections. The guard ends, so the next capture has to prove that the WAL continues.</summary>
    public void Close()
    {
        GuardIsUninterrupted = false;
        Live?.Dispose();
        Live = null;
    }

    /// <summary>Takes a state that was read from a replica as the one that the next capture is compared with.</summary>
    /// <param name="state">The state that <see cref="NextTxid"/> follows.</param>
    /// <param name="newChecksums">Its page checksums, written beside the old table.</param>
    public void Adopt(ReplicaState state, PageChecksums newChecksums)
    {
        Invariant.Holds(state.Txid.Next() == NextTxid, $"TXID {NextTxid} follows the state {state.Txid} that is taken as its base.");
        Distrust();
        var position = Position?.Txid == state.Txid
            ? Position with { Checksum = state.Checksum }
            : new Position(state.Txid, state.PageSize, state.PageCount, default, 0, null, state.Checksum, Lineage);
        Advance(position, newChecksums);
    }

    /// <summary>The position's frame checksum became known.</summary>
    public void Prove(WalChecksum frameChecksum)
    {
        Position = Position! with { FrameChecksum = frameChecksum };
        Evidence = null;
    }

    /// <summary>The WAL is not what it must be: the next capture compares pages.</summary>
    /// <param name="doubt">Why, if the database is not what was captured, though its WAL may continue.</param>
    public void Distrust(Discontinuity? doubt = null)
    {
        Doubt = doubt ?? Doubt;
        GuardIsUninterrupted = false;
        Evidence = null;
        Position = Position is null ? null : Position with { FrameChecksum = null };
    }

    /// <summary>Moves on to a new position whose file, if there is one, is in the spool.</summary>
    /// <param name="position">The new position.</param>
    /// <param name="pageNumbers">Pages whose checksums changed, ascending.</param>
    /// <param name="checksums">Their checksums.</param>
    public void Advance(Position position, ReadOnlySpan<uint> pageNumbers, ReadOnlySpan<ulong> checksums)
    {
        SetPosition(position);
        try
        {
            Checksums?.Apply(pageNumbers, checksums);
        }
        catch
        {
            // A table that is half written says nothing; it is built again with the next capture.
            ForgetChecksums();
            throw;
        }

        Spool.WritePosition(position);
    }

    /// <summary>Moves on to a new position with a new table of page checksums, which has been written beside the old one.</summary>
    public void Advance(Position position, PageChecksums newChecksums)
    {
        SetPosition(position);
        ForgetChecksums();
        newChecksums.Dispose();
        Spool.ReplacePageChecksums();
        _checksums = Spool.TryOpenPageChecksums(position.PageSize);
        Spool.WritePosition(position);
    }

    public void Dispose()
    {
        Close();
        ForgetChecksums();
        Spool.Dispose();
    }

    // Nothing is written over a foreign change. But a WAL that is in nobody's use, and would not be there without Tidemark, must not be
    // replayed into a file that it does not belong to.
    private void Abandon(ForeignChange change)
    {
        var live = Live!;
        _hasSeenForeignChange = true;
        var (walPath, run) = (live.WalPath, Position?.Salts);
        var wal = StaleWal.Settle(this, live, change);
        Close();
        Distrust();
        _left = null;
        _walPath = null;
        if (wal == AbandonedWal.InUse)
        {
            _replaced = change is ForeignChange.DatabaseWasReplaced or ForeignChange.DatabaseIsGone ? (walPath, run) : null;
        }
        else
        {
            _settling.Begin(Path, WalPath);
        }

        Abandoned?.Invoke(change, wal);
    }

    private void ThrowIfSettling()
    {
        if (IsSettling)
        {
            throw new DatabaseException(
                $"{Path}: something other than SQLite is writing its files.", "It is opened when they have been left alone for a second.")
            {
                IsTransient = true,
            };
        }
    }

    // Opened with the WAL of the file that was there before, the new file would get the old pages.
    private void ThrowIfWalIsOfReplacedFile()
    {
        if (_replaced is not ({ } walPath, { } salts) || !Files.FileExists(Path))
        {
            return;
        }

        Span<byte> bytes = stackalloc byte[WalHeader.Size];
        var count = 0;
        if (Files.FileExists(walPath))
        {
            using var wal = Files.Open(walPath, FileMode.Open, FileAccess.Read);
            count = wal.Read(0, bytes);
        }

        if (WalHeader.TryRead(bytes[..count], out var header) == WalFault.None && header.Salts == salts)
        {
            throw new DatabaseException(
                $"{Path}: another file took the place of the database, but {walPath} still is the WAL of the one before.",
                "Stop the application, put the new file there without the -wal and -shm of the old one, and start the application again.")
            {
                IsTransient = true,
            };
        }

        _replaced = null;
    }

    private void SetPosition(Position position)
    {
        Invariant.Holds(
            Position is null || position.Txid >= Position.Txid,
            $"A position never moves back: {Position?.Txid} to {position.Txid}.");
        Position = position;
        Evidence = null;
        Doubt = null;
        _left = position.Txid == _left?.Txid ? _left : null;
    }

    private void ForgetChecksums()
    {
        _checksums?.Dispose();
        _checksums = null;
    }
}
