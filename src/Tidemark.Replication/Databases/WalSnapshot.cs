using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using Tidemark.Formats.Wal;

namespace Tidemark.Replication.Databases;

/// <summary>One committed state of a database in WAL mode: the 48 bytes by which SQLite itself knows it, and what they say.</summary>
/// <remarks>
/// The same bytes stand at the start of the WAL index, are what <c>sqlite3_snapshot_get</c> hands out, and are what
/// <c>sqlite3_snapshot_open</c> takes.
/// </remarks>
internal readonly struct WalSnapshot
{
    private readonly Content _content;

    private WalSnapshot(ReadOnlySpan<byte> content, WalIndexHeader? end)
    {
        content[..WalIndexHeader.Size].CopyTo(_content);
        End = end;
    }

    /// <summary>The end of the WAL, or null while the WAL holds no transaction: then the database file alone is the state.</summary>
    public WalIndexHeader? End { get; }

    /// <summary>Frames of the WAL that belong to the state.</summary>
    public uint FrameCount => End?.FrameCount ?? 0;

    [UnscopedRef]
    public ReadOnlySpan<byte> Bytes => _content;

    /// <summary>Reads a snapshot; false when the bytes are not a WAL-index header of the known layout, or not all from one
    /// write.</summary>
    public static bool TryRead(ReadOnlySpan<byte> source, out WalSnapshot snapshot)
    {
        if (WalIndexHeader.TryRead(source, out var end))
        {
            snapshot = new WalSnapshot(source, end);
            return true;
        }

        snapshot = new WalSnapshot(source, null);
        return WalIndexHeader.IsOfEmptyWal(source);
    }

    [InlineArray(WalIndexHeader.Size)]
    private struct Content
    {
        private byte _first;
    }
}
