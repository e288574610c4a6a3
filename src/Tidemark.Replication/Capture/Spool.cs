using System.Buffers;
using System.Globalization;
using Tidemark.Formats;
using Tidemark.Formats.Ltx;
using Tidemark.Replicas.Catalog;
using Tidemark.Replicas.Files;

namespace Tidemark.Replication.Capture;

/// <summary>The local folder of one database: captured files that wait for upload, and the state that capture resumes from.</summary>
/// <remarks>
/// <code>
///   .app.db-tidemark/
///     position              where capture stands (PositionRecord)
///     pages                 one checksum for each page (PageChecksums)
///     ancestors             whose histories this one has taken over, eight bytes each
///     destinations          what each destination held when it was noted last (DestinationMemory)
///     end                   how an orderly end left the database file (OrderlyEnd); gone as soon as the database is opened again
///     replaced-wal          the WAL of a database file that something other than SQLite has overwritten; only the last one
///     audit                 what the last comparison with the live database found (AuditFile)
///     ltx/0/min-max.ltx     captures; the newest one always stays
///     ltx/9/min-max.ltx     images of the whole database that wait for a destination which needs one, on whatever level
/// </code>
/// An existing folder <c>.app.db-litestream</c> is taken over: the captures lie in it in the same way.
/// </remarks>
internal sealed class Spool : IDisposable
{
    private const string TemporarySuffix = ".tmp";
    private const string DamagedSuffix = ".damaged";
    private const string LockName = "lock";
    private const string AuditName = "audit";
    private const int ReadSizeBytes = 1 << 20;

    // For a person to look at. A disk that damages many files must not be filled with them.
    private const int DamagedMax = 3;

    private readonly IFileSystem _files;
    private readonly bool _isNew;
    private readonly IDisposable _lock;
    private readonly Ancestors _ancestors;
    private readonly SpoolInventory _inventory = new();

    private Spool(IFileSystem files, string path, bool isNew, IDisposable held)
    {
        (_files, Path, _isNew, _lock) = (files, path, isNew, held);
        _ancestors = new Ancestors(files, System.IO.Path.Combine(path, "ancestors"));
        Destinations = new DestinationMemory(files, DestinationsPath, NewDestinationsPath);
    }

    /// <summary>Where images lie in the spool. On which level of a destination one goes, its request says.</summary>
    public static Level Images => Level.Snapshots;

    /// <summary>The folder.</summary>
    public string Path { get; }

    /// <summary>The files of this machine, for those who create something in the folder.</summary>
    public IFileSystem Files => _files;

    /// <summary>How many bytes of captures there are.</summary>
    public long CaptureBytes => _inventory.CaptureBytes;

    /// <summary>How many bytes of captures and images there are.</summary>
    public long SizeBytes => _inventory.SizeBytes;

    /// <summary>The file of page checksums.</summary>
    public string PageChecksumsPath => System.IO.Path.Combine(Path, "pages");

    /// <summary>Where a new table of page checksums is built before it takes the place of the old one.</summary>
    public string NewPageChecksumsPath => PageChecksumsPath + TemporarySuffix;

    /// <summary>Where the WAL of a file that was overwritten is kept, for a person to look at: the last one.</summary>
    public string ReplacedWalPath => System.IO.Path.Combine(Path, "replaced-wal");

    /// <summary>What each destination held when it was noted last.</summary>
    public DestinationMemory Destinations { get; }

    /// <summary>Whether nothing in it tells of any history: neither a position nor a capture, nor a destination that was shipped
    /// to.</summary>
    public bool KnowsNoHistory => ReadPosition() is null && ListCaptures().Count == 0 && Destinations.Writer == Lineage.None;

    private string DestinationsPath => System.IO.Path.Combine(Path, "destinations");

    private string NewDestinationsPath => DestinationsPath + TemporarySuffix;

    /// <summary>The file that keeps what the last audit found.</summary>
    public string AuditPath => AuditPathIn(Path);

    /// <summary>Keeps a WAL as <see cref="ReplacedWalPath"/>, durably. The one before stays until the new one is whole.</summary>
    /// <exception cref="IOException">There is no room for it, or the disk fails.</exception>
    public void KeepReplacedWal(IFile wal)
    {
        var temporary = ReplacedWalPath + TemporarySuffix;
        try
        {
            using (var copy = _files.Open(temporary, FileMode.Create, FileAccess.Write))
            {
                var chunk = new byte[ReadSizeBytes];
                for (long offset = 0, count; (count = wal.Read(offset, chunk)) > 0; offset += count)
                {
                    copy.Write(offset, chunk.AsSpan(0, (int)count));
                }

                copy.Sync();
            }

            _files.Move(temporary, ReplacedWalPath);
            _files.SyncDirectory(Path);
        }
        catch
        {
            _files.Delete(temporary);
            throw;
        }
    }

    private string EndPath => System.IO.Path.Combine(Path, "end");

    private string PositionPath => System.IO.Path.Combine(Path, "position");

    /// <summary>The file in a spool that keeps what the last audit found, also for those who do not open the spool.</summary>
    public static string AuditPathIn(string spoolPath) => System.IO.Path.Combine(spoolPath, AuditName);

    /// <summary>The folder beside the database: an existing one of this or of the original program, or a new one.</summary>
    public static string DefaultPath(IFileSystem files, string databasePath)
    {
        // As SQLite does with the WAL: the spool lies beside the file itself, whatever links lead to it.
        var target = File.Exists(databasePath) ? File.ResolveLinkTarget(databasePath, returnFinalTarget: true) : null;
        var path = System.IO.Path.GetFullPath(target?.FullName ?? databasePath);
        var folder = System.IO.Path.GetDirectoryName(path) ?? "/";
        var name = System.IO.Path.GetFileName(path);
        var own = System.IO.Path.Combine(folder, $".{name}-tidemark");
        var taken = System.IO.Path.Combine(folder, $".{name}-litestream");
        return !files.DirectoryExists(own) && files.DirectoryExists(System.IO.Path.Combine(taken, "ltx")) ? taken : own;
    }

    /// <summary>The files of this machine, for the spool of a database: with the rights of the database.</summary>
    /// <remarks>As root, in a folder where another user may write, a new spool is for root alone, and no link in one is followed. One that is
    /// that user's, as it was made without root, stays so: both can go on with it.</remarks>
    public static IFileSystem FilesFor(IFileSystem files, string databasePath, string path)
        => Environment.IsPrivilegedProcess && !OperatingSystem.IsWindows()
            ? new AlikeFileSystem(files.WithoutLinks(System.IO.Path.GetDirectoryName(System.IO.Path.GetFullPath(path)) ?? "/"), path, Likeness.OwnerOnly)
            : new AlikeFileSystem(files, databasePath);

    /// <summary>Opens the folder, creates it if need be, and removes what a crash left unfinished. Nobody else can open it meanwhile.</summary>
    /// <exception cref="TidemarkException">Another process, or another database of this one, has it open.</exception>
    public static Spool Open(IFileSystem files, string path)
    {
        var folder = System.IO.Path.GetFullPath(path);
        var isNew = !files.DirectoryExists(folder);
        files.CreateDirectory(folder);
        var held = files.TryLock(System.IO.Path.Combine(folder, LockName)) ?? throw new TidemarkException(
            $"{folder}: the spool is in use: this database is being replicated already.",
            "Stop the other process first. Two databases must not share a spool.");
        var spool = new Spool(files, folder, isNew, held);
        try
        {
            spool.RemoveLeftovers();
            spool.CountFiles();
            return spool;
        }
        catch
        {
            held.Dispose();
            throw;
        }
    }

    /// <summary>The file of an image.</summary>
    public static LtxFileKey ImageOf(LtxFileName name) => new(Images, name);

    /// <summary>The file of a capture.</summary>
    public static LtxFileKey CaptureOf(Txid txid) => new(Level.Captured, new LtxFileName(txid, txid));

    /// <summary>A folder for temporary files of one destination. Made by who needs it.</summary>
    public string TemporaryFolder(int destination)
        => System.IO.Path.Combine(Path, "merge", destination.ToString(CultureInfo.InvariantCulture));

    /// <summary>The path of a file.</summary>
    public string PathOf(LtxFileKey key) => System.IO.Path.Combine(FolderOf(key.Level), key.Name.ToString());

    /// <summary>The captures, in ascending order.</summary>
    public IReadOnlyList<LtxFileName> ListCaptures() => List(Level.Captured);

    /// <summary>The images that wait for a destination, in ascending order.</summary>
    public IReadOnlyList<LtxFileName> ListImages() => List(Images);

    /// <summary>Deletes images for good: they do not come back when the power fails.</summary>
    public void DeleteImages(IReadOnlyCollection<LtxFileName> images)
    {
        foreach (var name in images)
        {
            Delete(ImageOf(name));
        }

        if (images.Count > 0)
        {
            _files.SyncDirectory(FolderOf(Images));
        }
    }

    private List<LtxFileName> List(Level level)
    {
        var names = new List<LtxFileName>();
        foreach (var text in _files.ListFiles(FolderOf(level)))
        {
            if (LtxFileName.TryParse(text, out var name))
            {
                names.Add(name);
            }
        }

        names.Sort();
        return names;
    }

    /// <summary>Whether the file is there.</summary>
    public bool Contains(LtxFileKey key) => _files.FileExists(PathOf(key));

    /// <summary>Opens a file for reading.</summary>
    public Stream OpenRead(LtxFileKey key) => new FileContentStream(_files.Open(PathOf(key), FileMode.Open, FileAccess.Read));

    /// <summary>Writes a file: temporary name, sync, rename, sync of the folder. It appears whole or not at all.</summary>
    /// <param name="level">Level of the file.</param>
    /// <param name="write">Writes the content to the stream; the second argument makes a temporary stream for what does not fit into
    /// memory. Returns the file's name, or null when it turned out that nothing needs to be written.</param>
    public LtxFileName? Publish(Level level, Func<Stream, Func<Stream>, LtxFileName?> write)
    {
        using var staged = Stage(level, write);
        staged?.Publish();
        return staged?.Key.Name;
    }

    /// <summary>Writes a file under a temporary name and leaves all that waits for the disk to <see cref="StagedFile.Publish"/>.</summary>
    public StagedFile? Stage(Level level, Func<Stream, Func<Stream>, LtxFileName?> write)
    {
        EnsureFolder(FolderOf(level));
        var temporary = System.IO.Path.Combine(FolderOf(level), $"new-{Guid.NewGuid():n}{TemporarySuffix}");
        var overflow = temporary[..^TemporarySuffix.Length] + "-index" + TemporarySuffix;
        var digest = new FileDigest();
        var sizeBytes = 0L;
        LtxFileName? name = null;
        try
        {
            using var content = new FileContentStream(_files.Open(temporary, FileMode.CreateNew, FileAccess.ReadWrite));
            name = write(
                new DigestedStream(content, digest),
                () => new FileContentStream(_files.Open(overflow, FileMode.CreateNew, FileAccess.ReadWrite)));
            sizeBytes = content.Length;
        }
        finally
        {
            DeleteQuietly(overflow);
            if (name is null)
            {
                DeleteQuietly(temporary);
            }
        }

        return name is { } known ? new StagedFile(this, temporary, new LtxFileKey(level, known), sizeBytes, digest.Value) : null;
    }

    /// <summary>See <see cref="StagedFile.Publish"/>.</summary>
    public void Publish(StagedFile staged)
    {
        using (var file = _files.Open(staged.TemporaryPath, FileMode.Open, FileAccess.ReadWrite))
        {
            file.Sync();
        }

        _files.Move(staged.TemporaryPath, PathOf(staged.Key));
        _files.SyncDirectory(FolderOf(staged.Key.Level));
        _inventory.Add(staged.Key, staged.SizeBytes, staged.Digest);
    }

    /// <summary>Removes what was not published.</summary>
    public void Discard(StagedFile staged) => DeleteQuietly(staged.TemporaryPath);

    /// <summary>Whether a file still is, byte for byte, what this process wrote. False also when that is not known.</summary>
    public bool IsAsWritten(LtxFileKey key)
    {
        if (_inventory.DigestOf(key) is not { } expected)
        {
            return false;
        }

        using var file = _files.Open(PathOf(key), FileMode.Open, FileAccess.Read);
        var buffer = ArrayPool<byte>.Shared.Rent((int)Math.Clamp(file.Length, 1, ReadSizeBytes));
        try
        {
            var digest = new FileDigest();
            var offset = 0L;
            for (int count; (count = file.Read(offset, buffer)) > 0; offset += count)
            {
                digest.Add(offset, buffer.AsSpan(0, count));
            }

            return digest.Value == expected;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    /// <summary>Deletes a file that all destinations have.</summary>
    public void Delete(LtxFileKey key)
    {
        _files.Delete(PathOf(key));
        _inventory.Remove(key);
    }

    /// <summary>Deletes the captures that every destination holds, except the newest one, from which the position can be recovered.</summary>
    /// <param name="everywhere">Up to where all destinations hold this history.</param>
    public void DeleteUpTo(Txid everywhere)
    {
        foreach (var name in ListCaptures().SkipLast(1).Where(name => name.MaxTxid <= everywhere))
        {
            Delete(new LtxFileKey(Level.Captured, name));
        }
    }

    /// <summary>Deletes the images that nobody wants. The newest one stays until every destination is past it: after a change of the page
    /// size a destination wants it only when it has come that far.</summary>
    /// <param name="everywhere">Up to where all destinations hold this history.</param>
    /// <param name="isWanted">Whether a destination lacks an image or has asked for it.</param>
    public void DeleteImages(Txid everywhere, Func<LtxFileName, bool> isWanted)
    {
        var images = ListImages();
        var newest = images.Select(name => name.MaxTxid).DefaultIfEmpty(Txid.None).Max();
        foreach (var name in images.Where(name => (name.MaxTxid < newest || newest <= everywhere) && !isWanted(name)))
        {
            Delete(ImageOf(name));
        }
    }

    /// <summary>Deletes the oldest captures when there are more than a budget allows: first those that every destination holds, which only
    /// stay for repair, and then those that some destination lacks.</summary>
    /// <param name="budget">The budget.</param>
    /// <param name="everywhere">Up to where all destinations hold this history.</param>
    /// <returns>The captures that were deleted though a destination lacks them, in ascending order.</returns>
    public IReadOnlyList<LtxFileName> DropOldest(SpoolBudget budget, Txid everywhere)
    {
        _ = Drop(budget, everywhere);
        return Drop(budget, new Txid(ulong.MaxValue));
    }

    private LtxFileName[] Drop(SpoolBudget budget, Txid upTo)
    {
        if (budget.Allows(CaptureBytes))
        {
            return [];
        }

        var captures = ListCaptures();
        long[] sizes = [.. captures.Select(name => _inventory.SizeOf(new LtxFileKey(Level.Captured, name)))];
        LtxFileName[] dropped = [.. captures.Take(budget.CountToDrop(sizes)).TakeWhile(name => name.MaxTxid <= upTo)];
        foreach (var name in dropped)
        {
            Delete(new LtxFileKey(Level.Captured, name));
        }

        return dropped;
    }

    /// <summary>Renames a damaged file, so that nobody takes it for a capture but a person can still look at it. The newest few stay.</summary>
    public void SetAside(LtxFileKey key)
    {
        _files.Move(PathOf(key), PathOf(key) + DamagedSuffix);
        _inventory.Remove(key);
        var folder = FolderOf(key.Level);
        foreach (var name in _files.ListFiles(folder)
            .Where(name => name.EndsWith(DamagedSuffix, StringComparison.Ordinal))
            .Order(StringComparer.Ordinal)
            .SkipLast(DamagedMax))
        {
            DeleteQuietly(System.IO.Path.Combine(folder, name));
        }
    }

    /// <summary>Reads the position; null when there is none or it is not to be believed.</summary>
    public Position? ReadPosition()
    {
        if (!_files.FileExists(PositionPath))
        {
            return null;
        }

        using var file = _files.Open(PositionPath, FileMode.Open, FileAccess.Read);
        Span<byte> record = stackalloc byte[PositionRecord.Size];
        return PositionRecord.TryRead(record[..file.Read(0, record)]);
    }

    /// <summary>Writes the position in place. Not synced: see <see cref="PositionRecord"/>.</summary>
    public void WritePosition(Position position)
    {
        Span<byte> record = stackalloc byte[PositionRecord.Size];
        PositionRecord.Write(record, position);
        EnsureFolder(Path);
        using var file = _files.Open(PositionPath, FileMode.OpenOrCreate, FileAccess.ReadWrite);
        file.Write(0, record);
    }

    /// <summary>Whether this history has taken over another writer's, when the spool was new.</summary>
    public bool HasAncestor(Lineage lineage) => _ancestors.Contains(lineage);

    /// <summary>This history takes over another writer's. Durable when this returns.</summary>
    public void AddAncestor(Lineage lineage) => _ancestors.Add(lineage);

    /// <summary>Reads how an orderly end left the database; null when there was none, or it is not to be believed.</summary>
    public OrderlyEnd? ReadEnd()
    {
        if (!_files.FileExists(EndPath))
        {
            return null;
        }

        using var file = _files.Open(EndPath, FileMode.Open, FileAccess.Read);
        Span<byte> record = stackalloc byte[OrderlyEndRecord.Size];
        return OrderlyEndRecord.TryRead(record[..file.Read(0, record)]);
    }

    /// <summary>Writes how an orderly end left the database. Not synced: it is not believed after the machine has started anew.</summary>
    public void WriteEnd(OrderlyEnd end)
    {
        Span<byte> record = stackalloc byte[OrderlyEndRecord.Size];
        OrderlyEndRecord.Write(record, end);
        EnsureFolder(Path);
        using var file = _files.Open(EndPath, FileMode.Create, FileAccess.ReadWrite);
        file.Write(0, record);
    }

    /// <summary>What an orderly end left does not count any more.</summary>
    public void DeleteEnd() => _files.Delete(EndPath);

    /// <summary>Opens the table of page checksums, if it is there and for this page size.</summary>
    public PageChecksums? TryOpenPageChecksums(PageSize pageSize) => PageChecksums.TryOpen(_files, PageChecksumsPath, pageSize);

    /// <summary>Begins a new table of page checksums.</summary>
    public PageChecksums CreatePageChecksums(PageSize pageSize)
    {
        EnsureFolder(Path);
        return PageChecksums.Create(_files, NewPageChecksumsPath, pageSize);
    }

    /// <summary>Puts the new table in the place of the old one, whose handle is closed before.</summary>
    public void ReplacePageChecksums() => _files.Move(NewPageChecksumsPath, PageChecksumsPath);

    /// <summary>Gives the folder back, for another process; or removes it, if it is new and nothing was written: there was no
    /// database.</summary>
    public void Dispose()
    {
        if (_isNew)
        {
            RemoveUnused();
        }

        _lock.Dispose();
    }

    private void RemoveUnused()
    {
        try
        {
            if (_files.ListFiles(Path).All(name => name == LockName) && ListCaptures().Count + ListImages().Count == 0)
            {
                _files.DeleteEmptyDirectory(FolderOf(Level.Captured));
                _files.DeleteEmptyDirectory(FolderOf(Images));
                _files.DeleteEmptyDirectory(System.IO.Path.Combine(Path, "ltx"));
                _files.Delete(System.IO.Path.Combine(Path, LockName));
                _files.DeleteEmptyDirectory(Path);
            }
        }
        catch (Exception e) when (FileErrors.IsFileError(e))
        {
            // Something else is in it, so it stays.
        }
    }

    private void RemoveLeftovers()
    {
        foreach (var level in (ReadOnlySpan<Level>)[Level.Captured, Images])
        {
            EnsureFolder(FolderOf(level));
            foreach (var name in _files.ListFiles(FolderOf(level)).Where(name => name.EndsWith(TemporarySuffix, StringComparison.Ordinal)))
            {
                _files.Delete(System.IO.Path.Combine(FolderOf(level), name));
            }
        }

        _files.Delete(NewPageChecksumsPath);
        _files.Delete(NewDestinationsPath);
    }

    // Somebody may have removed the folder meanwhile; what lay in it is missed by those who look for it.
    private void EnsureFolder(string folder)
    {
        if (_files.DirectoryExists(folder))
        {
            return;
        }

        _files.CreateDirectory(folder);
        _inventory.Remove(key => FolderOf(key.Level).StartsWith(folder, StringComparison.Ordinal));
    }

    private string FolderOf(Level level) => System.IO.Path.Combine(Path, "ltx", level.ToString());

    private void CountFiles()
    {
        foreach (var level in (ReadOnlySpan<Level>)[Level.Captured, Images])
        {
            foreach (var name in List(level))
            {
                var key = new LtxFileKey(level, name);
                _inventory.Add(key, _files.TryGetFacts(PathOf(key))?.SizeBytes ?? 0);
            }
        }
    }

    private void DeleteQuietly(string path)
    {
        try
        {
            _files.Delete(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Removed when the spool is opened next; the reason why the file could not be written is the one to report.
        }
    }
}
