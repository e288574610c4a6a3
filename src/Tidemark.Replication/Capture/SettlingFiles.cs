using Tidemark.Replicas.Files;

namespace Tidemark.Replication.Capture;

/// <summary>Waits until what is being done to the files of a closed database has come to an end. To open a database in the middle of a copy
/// would create a WAL beside half a file.</summary>
internal sealed class SettlingFiles(IFileSystem files, TimeProvider time)
{
    // Copies write all the time.
    private static readonly TimeSpan s_quiet = TimeSpan.FromSeconds(1);

    // An application that writes without a pause has come to use the database.
    private static readonly TimeSpan s_longest = TimeSpan.FromMinutes(1);

    private (FileStamp? Database, FileFacts? Wal, long SeenAt, long BegunAt)? _seen;

    /// <summary>Something is being done to the files.</summary>
    public void Begin(string path, string walPath)
    {
        var now = time.GetTimestamp();
        _seen = (files.TryGetStamp(path), files.TryGetFacts(walPath), now, now);
    }

    /// <summary>Looks whether it goes on.</summary>
    public bool IsUnderway(string path, string walPath)
    {
        if (_seen is not { } seen)
        {
            return false;
        }

        var (database, wal) = (files.TryGetStamp(path), files.TryGetFacts(walPath));
        if (database != seen.Database || wal != seen.Wal)
        {
            seen = seen with { Database = database, Wal = wal, SeenAt = time.GetTimestamp() };
            _seen = seen;
        }

        if (time.GetElapsedTime(seen.SeenAt) < s_quiet && time.GetElapsedTime(seen.BegunAt) < s_longest)
        {
            return true;
        }

        _seen = null;
        return false;
    }
}
