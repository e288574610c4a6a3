using System.Buffers.Binary;
using System.Globalization;
using System.Runtime.InteropServices;
using Tidemark.Replicas.Files;

namespace Tidemark.Replication.Health;

/// <summary>Finds the processes that read a database in WAL mode, by the locks that they hold on its <c>-shm</c> file.</summary>
/// <remarks>
/// Readers hold a shared lock on one of the bytes 123 to 127 of that file (https://www.sqlite.org/walformat.html#wal_locks), and Linux lists all locks in
/// <c>/proc/locks</c>. The file itself is never opened. Locks of this process are left out: the guard is one of them.
/// </remarks>
internal static partial class WalReaders
{
    private const int FirstReadMark = 123;
    private const int LastReadMark = 127;
    private const int LocksBytesMax = 4 << 20;

    private const int CurrentFolder = -100; // AT_FDCWD
    private const uint WantsInode = 0x100; // STATX_INO
    private const int StatSize = 256;
    private const int InodeOffset = 32;

    /// <summary>The readers, such as <c>myapp (process 4711)</c>; empty where that cannot be found out.</summary>
    /// <param name="files">The files of this machine.</param>
    /// <param name="shmPath">Path of the <c>-shm</c> file.</param>
    public static IReadOnlyList<string> Find(IFileSystem files, string shmPath)
    {
        if (!OperatingSystem.IsLinux() || InodeOf(shmPath) is not { } inode)
        {
            return [];
        }

        try
        {
            return [.. Parse(ReadText(files, "/proc/locks"), inode)
                .Where(process => process != Environment.ProcessId)
                .Distinct()
                .Select(process => Describe(files, process))];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }

    /// <summary>The processes that hold a read mark of a file, from the text of <c>/proc/locks</c>:
    /// <c>1: POSIX  ADVISORY  READ 4711 08:01:131074 124 124</c>.</summary>
    internal static IEnumerable<int> Parse(string locks, ulong inode)
    {
        foreach (var line in locks.Split('\n'))
        {
            if (line.Split(' ', StringSplitOptions.RemoveEmptyEntries) is [_, "POSIX", _, "READ", var process, var file, var first, var last]
                && file.EndsWith(string.Create(CultureInfo.InvariantCulture, $":{inode}"), StringComparison.Ordinal)
                && int.TryParse(process, CultureInfo.InvariantCulture, out var id)
                && long.TryParse(first, CultureInfo.InvariantCulture, out var from)
                && long.TryParse(last, CultureInfo.InvariantCulture, out var to)
                && from >= FirstReadMark
                && to <= LastReadMark)
            {
                yield return id;
            }
        }
    }

    // A process of another container has no number here.
    private static string Describe(IFileSystem files, int process)
    {
        if (process <= 0)
        {
            return "a process of another container";
        }

        try
        {
            var name = ReadText(files, string.Create(CultureInfo.InvariantCulture, $"/proc/{process}/comm")).Trim();
            return string.Create(CultureInfo.InvariantCulture, $"{name} (process {process})");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return string.Create(CultureInfo.InvariantCulture, $"process {process}");
        }
    }

    // Files of /proc tell no length.
    private static string ReadText(IFileSystem files, string path)
    {
        using var file = files.Open(path, FileMode.Open, FileAccess.Read);
        using var text = new MemoryStream();
        var buffer = new byte[4096];
        for (int count; text.Length < LocksBytesMax && (count = file.Read(text.Length, buffer)) > 0;)
        {
            text.Write(buffer, 0, count);
        }

        return System.Text.Encoding.UTF8.GetString(text.GetBuffer(), 0, (int)text.Length);
    }

    private static ulong? InodeOf(string path)
    {
        Span<byte> facts = stackalloc byte[StatSize];
        return GetFacts(CurrentFolder, path, 0, WantsInode, ref MemoryMarshal.GetReference(facts)) == 0
            ? BitConverter.IsLittleEndian
                ? BinaryPrimitives.ReadUInt64LittleEndian(facts[InodeOffset..])
                : BinaryPrimitives.ReadUInt64BigEndian(facts[InodeOffset..])
            : null;
    }

    // https://man7.org/linux/man-pages/man2/statx.2.html: its record has the same layout on every processor.
    [LibraryImport("libc", EntryPoint = "statx", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int GetFacts(int folder, string path, int flags, uint mask, ref byte facts);
}
