using System.Buffers.Binary;
using Tidemark.Replicas.Files;

namespace Tidemark.Differential.Tests;

/// <summary>What there is beside a database file, seen from outside.</summary>
internal enum WalState
{
    /// <summary>No WAL, or an empty one: the file is the whole database.</summary>
    Gone,

    /// <summary>All frames are copied into the file, by the word of the index that somebody holds open.</summary>
    Copied,

    /// <summary>The WAL holds what the file does not have, or would be played over the file by the next who opens it.</summary>
    Pending,
}

/// <summary>Reads what lies beside a database.</summary>
internal static class WalStates
{
    private const int LastFrameOffset = 16;
    private const int CopiedOffset = 96;

    /// <summary>The state now. An index that nobody holds open says nothing: the next who opens the database builds it anew.</summary>
    public static WalState Look(string database, bool isHeldOpen)
    {
        var wal = new FileInfo(database + "-wal");
        if ((!wal.Exists || wal.Length == 0) && !HasJournal(database))
        {
            return WalState.Gone;
        }

        Span<byte> index = stackalloc byte[CopiedOffset + sizeof(uint)];
        return isHeldOpen && TryRead(database + "-shm", index) && At(index, CopiedOffset) == At(index, LastFrameOffset)
            ? WalState.Copied
            : WalState.Pending;
    }

    private static bool HasJournal(string database) => new FileInfo(database + "-journal") is { Exists: true, Length: > 0 };

    private static bool TryRead(string path, Span<byte> bytes)
    {
        try
        {
            using var file = PhysicalFileSystem.Instance.Open(path, FileMode.Open, FileAccess.Read);
            return file.Read(0, bytes) == bytes.Length;
        }
        catch (IOException)
        {
            return false; // It has just gone.
        }
    }

    private static uint At(ReadOnlySpan<byte> bytes, int offset) => BinaryPrimitives.ReadUInt32LittleEndian(bytes[offset..]);
}
