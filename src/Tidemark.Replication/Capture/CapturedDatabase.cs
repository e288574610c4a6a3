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
    private PageChecksums? _checksums;
    private PageSize? _replicaPageSize;
    private (string WalPath, WalSalts? Run)? _replaced;
    private OrderlyEnd? _left;

    public CapturedDatabase(string path, Spool spool, IFileSystem files, TimeProvider time, CaptureSettings settings)
    {
        (Path, Spool, Files, Time, Settings) = (path, spool, files, time, settings);
        Position = PositionRecovery.Recover(spool, out var evidence);
        Evidence = evidence;
        ReplicaTxid = spool.ListCaptures() is [.., var newest] ? newest.MaxTxid : Txid.None;
        var lineage = (Position ?? spool.ReadPosition())?.Lineage ?? Lineage.None;
        Lineage = lineage != Lineage.None ? lineage : Lineage.Create();
        StrandedImages.Delete(spool, Position);
        _checksums = Position is { Checksum: not null } position ? PositionRecovery.RecoverChecksums(spool, position) : null;
        _left = spool.ReadEnd();
        _checksums?.CloseFile();
    }

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

    /// <summary>Opens the database if it is not open; false while there is none. Notices when another file took its place.</summary>
    /// <exception cref="DatabaseException">Another file took its place, but the old one's WAL still lies beside it.</exception>
    public bool TryOpen()
    {
        if (Live is not null && Live.HasMoved())
        {
            _replaced = (Live.WalPath, Position?.Salts);
            Close();
        }

        if (Live is null)
        {
            ThrowIfWalIsOfReplacedFile();
            Live = LiveDatabase.TryOpen(Path, Settings.BusyTimeout);
            if (Live is not null)
            {
                Spool.DeleteEnd();
            }
        }

        return Live is not null;
    }

    /// <summary>Whether the database file is the one that an orderly end left behind, at the position. Within a read transaction that sees
    /// no WAL.</summary>
    public bool IsAsLeft()
        => _left is { } left
            && left.Txid == Position?.Txid
            && left.Checksum == Position.Checksum
            && left.ChangeCounter == Live!.Guard.ReadChangeCounter()
            && left.Stamp == Files.TryGetStamp(Path)
            && !Live.HasMoved();

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
    public void CloseInOrder()
    {
        if (Live is { } live && GuardIsUninterrupted && !live.HasMoved())
        {
            GuardIsUninterrupted = false;
            Live = null;
            live.CloseInOrder();
        }
    }

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
    public void Distrust()
    {
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
        _left = position.Txid == _left?.Txid ? _left : null;
    }

    private void ForgetChecksums()
    {
        _checksums?.Dispose();
        _checksums = null;
    }
}
