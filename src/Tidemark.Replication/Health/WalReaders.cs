using System.Globalization;
using Tidemark.Replicas.Files;
using Tidemark.Replication.Databases;

namespace Tidemark.Replication.Health;

/// <summary>Finds the processes that read a database in WAL mode, by the locks that they hold on its <c>-shm</c> file.</summary>
/// <remarks>
/// Readers hold a shared lock on one of the bytes 123 to 127 of that file (https://www.sqlite.org/walformat.html#wal_locks). Locks of this
/// process are left out: the guard is one of them.
/// </remarks>
internal static class WalReaders
{
    private const int FirstReadMark = 123;
    private const int LastReadMark = 127;

    /// <summary>The readers, such as <c>myapp (process 4711)</c>; empty where that cannot be found out.</summary>
    /// <param name="files">The files of this machine.</param>
    /// <param name="shmPath">Path of the <c>-shm</c> file.</param>
    public static IReadOnlyList<string> Find(IFileSystem files, string shmPath)
        => [.. (FileLocks.FindReaders(files, shmPath, FirstReadMark, LastReadMark) ?? [])
            .Where(process => process != Environment.ProcessId)
            .Select(process => Describe(files, process))];

    /// <summary>The processes that hold a read mark of a file, from the text of <c>/proc/locks</c>.</summary>
    internal static IEnumerable<int> Parse(string locks, ulong inode) => FileLocks.Parse(locks, inode, FirstReadMark, LastReadMark);

    // A process of another container has no number here.
    private static string Describe(IFileSystem files, int process)
    {
        if (process <= 0)
        {
            return "a process of another container";
        }

        try
        {
            var name = FileLocks.ReadText(files, string.Create(CultureInfo.InvariantCulture, $"/proc/{process}/comm")).Trim();
            return string.Create(CultureInfo.InvariantCulture, $"{name} (process {process})");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return string.Create(CultureInfo.InvariantCulture, $"process {process}");
        }
    }
}
