using System.Text;
using Tidemark.Formats;
using Tidemark.Replicas.Files;

namespace Tidemark.Replicas.Follow;

/// <summary>The files beside the followed database.</summary>
/// <remarks>
/// <code>
///   OUT              the database
///   OUT-txid         which state of the replica it is: 16 hexadecimal digits and a newline, as the original's follower writes and reads it
///   OUT-follow       what else is known of it (<see cref="FollowRecord"/>)
///   OUT-follow.lock  empty: locked as long as somebody follows
///   OUT-journal      while changes are written: what takes them back, in SQLite's own format
/// </code>
/// Where OUT is a symbolic link, all this lies beside the file that it leads to, as SQLite has it: it would not find the journal elsewhere.
/// All of them get the rights of the database.
/// </remarks>
internal sealed class FollowFiles
{
    /// <summary>Ending of the file with the TXID.</summary>
    public const string TxidEnding = "-txid";

    /// <summary>Ending of the file with the record.</summary>
    public const string RecordEnding = "-follow";

    private const string LockEnding = ".lock";
    private const string TemporaryEnding = ".tidemark-follow";
    private const int GuidLength = 32;
    private const int SmallSizeBytesMax = 4096;

    private readonly AlikeFileSystem _files;
    private readonly string _folder;

    /// <summary>Touches nothing yet.</summary>
    /// <exception cref="FollowException">The path is a symbolic link that leads nowhere.</exception>
    public FollowFiles(IFileSystem files, string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        path = System.IO.Path.GetFullPath(path);
        Path = Guard("follow the links of", path, () => files.FinalPath(path));
        _folder = System.IO.Path.GetDirectoryName(Path) ?? throw new ArgumentException("This is a folder.", nameof(path));
        _files = new AlikeFileSystem(files.WithoutLinks(_folder), Path);
    }

    /// <summary>The database, as an absolute path: where links lead to, since SQLite looks for the journal there.</summary>
    public string Path { get; }

    private string TemporaryStart => $".{System.IO.Path.GetFileName(Path)}.";

    /// <summary>The rollback journal.</summary>
    public string JournalPath => Path + "-journal";

    /// <summary>Whether there is a journal.</summary>
    public bool HasJournal => Guard("look at", JournalPath, () => _files.FileExists(JournalPath));

    /// <summary>Whether there is a WAL, which no follower leaves, and which SQLite would play into the database.</summary>
    public bool HasWal => Guard("look at", Path + "-wal", () => _files.FileExists(Path + "-wal"));

    /// <summary>What the system tells of the database; null when there is none or it is empty.</summary>
    public FileFacts? Facts => Guard("look at", Path, () => _files.TryGetFacts(Path)) is { SizeBytes: > 0 } facts ? facts : null;

    /// <summary>Which file it is, where the system can tell.</summary>
    public (ulong Device, ulong Number)? Identity
        => Guard("look at", Path, () => _files.TryGetStamp(Path)) is { } stamp ? (stamp.Device, stamp.Number) : null;

    /// <summary>Keeps other followers away until it is disposed or this process ends.</summary>
    /// <exception cref="FollowException">Another one follows into the database.</exception>
    public IDisposable Lock()
    {
        Guard("create the folder", _folder, () => _files.CreateDirectory(_folder));
        var path = Path + RecordEnding + LockEnding;
        var held = Guard("lock", path, () => _files.TryLock(path)) ?? throw FollowException.InUse(Path);
        try
        {
            RemoveLeftovers();
            return held;
        }
        catch
        {
            held.Dispose();
            throw;
        }
    }

    /// <summary>Opens the database.</summary>
    public IFile Open() => Guard("open", Path, () => _files.Open(Path, FileMode.Open, FileAccess.ReadWrite));

    /// <summary>Makes an empty journal.</summary>
    public IFile CreateJournal()
        => Guard("create", JournalPath, () => _files.Open(JournalPath, FileMode.Create, FileAccess.ReadWrite));

    /// <summary>Opens the journal that is there.</summary>
    public IFile OpenJournal() => Guard("open", JournalPath, () => _files.Open(JournalPath, FileMode.Open, FileAccess.Read));

    /// <summary>Deletes the journal, and makes that durable.</summary>
    public void DeleteJournal()
    {
        Guard("delete", JournalPath, () => _files.Delete(JournalPath));
        SyncFolder();
    }

    /// <summary>Makes the names beside the database durable.</summary>
    public void SyncFolder() => Guard("make durable the names in", _folder, () => _files.SyncDirectory(_folder));

    /// <summary>Makes a file that is gone when it is closed, also if this process is killed.</summary>
    public IFile CreateNameless()
    {
        var path = NewTemporaryPath();
        return Guard("create", path, () =>
        {
            var file = _files.Open(path, FileMode.CreateNew, FileAccess.ReadWrite);
            _files.Delete(path);
            return file;
        });
    }

    /// <summary>The TXID that is noted; null when there is no file or it is not whole.</summary>
    public Txid? ReadTxid() => Txid.TryParse(Read(Path + TxidEnding)?.Trim(), out var txid) && !txid.IsNone ? txid : null;

    /// <summary>Notes the TXID, durably.</summary>
    public void WriteTxid(Txid txid)
    {
        Write(Path + TxidEnding, $"{txid}\n");
        SyncFolder();
    }

    /// <summary>What is recorded; null when there is no file or it is not whole.</summary>
    public FollowRecord? ReadRecord() => Read(Path + RecordEnding) is { } text ? FollowRecord.Parse(text) : null;

    /// <summary>Whether there is a record, also one that is not whole.</summary>
    public bool HasRecord => Guard("look at", Path + RecordEnding, () => _files.FileExists(Path + RecordEnding));

    /// <summary>Why nothing tells which state the database is.</summary>
    public FollowException Refusal() => FollowException.Refused(
        Path,
        Guard("look at", Path, () => _files.FileExists(Path + TxidEnding)) ? "is damaged" : "is missing",
        !HasRecord ? "is missing" : ReadRecord() is null ? "is damaged" : "tells of another content");

    /// <summary>Records. Durable after <see cref="SyncFolder"/>.</summary>
    public void WriteRecord(FollowRecord record) => Write(Path + RecordEnding, record.Format());

    private string? Read(string path)
    {
        if (!Guard("look at", path, () => _files.FileExists(path)))
        {
            return null;
        }

        return Guard("read", path, () =>
        {
            using var file = _files.Open(path, FileMode.Open, FileAccess.Read);
            var bytes = new byte[SmallSizeBytesMax];
            return Encoding.UTF8.GetString(bytes, 0, file.Read(0, bytes));
        });
    }

    private void Write(string path, string text) => Guard("write", path, () =>
    {
        var temporary = NewTemporaryPath();
        using (var file = _files.Open(temporary, FileMode.CreateNew, FileAccess.ReadWrite))
        {
            file.Write(0, Encoding.UTF8.GetBytes(text));
            file.Sync();
        }

        _files.Move(temporary, path);
    });

    private string NewTemporaryPath() => System.IO.Path.Combine(_folder, $"{TemporaryStart}{Guid.NewGuid():n}{TemporaryEnding}");

    // Of followers that were killed: there is no other one now.
    private void RemoveLeftovers()
    {
        foreach (var name in Guard("list", _folder, () => _files.ListFiles(_folder)).Where(IsTemporary))
        {
            var path = System.IO.Path.Combine(_folder, name);
            Guard("delete", path, () => _files.Delete(path));
        }
    }

    private bool IsTemporary(string name)
        => name.Length == TemporaryStart.Length + GuidLength + TemporaryEnding.Length
            && name.StartsWith(TemporaryStart, StringComparison.Ordinal)
            && name.EndsWith(TemporaryEnding, StringComparison.Ordinal)
            && Guid.TryParseExact(name.AsSpan(TemporaryStart.Length, GuidLength), "n", out _);

    private static void Guard(string action, string path, Action operation) => Guard<object?>(action, path, () =>
    {
        operation();
        return null;
    });

    private static T Guard<T>(string action, string path, Func<T> operation)
    {
        try
        {
            return operation();
        }
        catch (Exception e) when (FileErrors.IsFileError(e))
        {
            throw FollowException.Failed(action, path, e);
        }
    }
}
