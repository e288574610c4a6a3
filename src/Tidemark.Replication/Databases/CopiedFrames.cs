using System.Buffers;
using Tidemark.Formats.Wal;
using Tidemark.Replicas.Files;

namespace Tidemark.Replication.Databases;

/// <summary>Looks whether a database file holds what a checkpoint has copied into it last.</summary>
/// <remarks>
/// A checkpoint explains why a file was written. But something else may have written it too, right after. Who puts another file in its place,
/// or an older copy of it, has not the pages that were changed last; so a few of them tell it.
/// </remarks>
internal static class CopiedFrames
{
    private const int PagesMax = 32;
    private const uint FramesAfterMax = 1024;

    /// <summary>Looks at the last pages that were copied.</summary>
    /// <param name="files">The files of this machine.</param>
    /// <param name="connection">Reads the database file.</param>
    /// <param name="walPath">The WAL.</param>
    /// <param name="state">How far it was copied.</param>
    /// <returns>Null when it cannot be told just now: a checkpoint is at work, or much was committed since.</returns>
    public static bool? AreInFile(IFileSystem files, DatabaseConnection connection, string walPath, in WalIndexState state)
    {
        if (state.IsBeingCopied || state.Copied == 0 || state.FrameCount - state.Copied > FramesAfterMax || !files.FileExists(walPath))
        {
            return null;
        }

        using var wal = files.Open(walPath, FileMode.Open, FileAccess.Read);
        Span<byte> head = stackalloc byte[WalHeader.Size];
        if (wal.Read(0, head) != head.Length || WalHeader.TryRead(head, out var header) != WalFault.None)
        {
            return null;
        }

        var areSame = Compare(wal, header, connection, state);
        return connection.TryReadIndexState() is { } now && now with { FrameCount = 0 } == state with { FrameCount = 0 } ? areSame : null;
    }

    // From the newest frame down. A page with a newer frame that is not copied may be in the file in any version, or in none.
    private static bool? Compare(IFile wal, in WalHeader header, DatabaseConnection connection, in WalIndexState state)
    {
        var frameSize = WalFrameHeader.FrameSize(header.PageSize);
        var seen = new HashSet<uint>();
        var frame = ArrayPool<byte>.Shared.Rent(frameSize);
        var page = ArrayPool<byte>.Shared.Rent(header.PageSize.Bytes);
        try
        {
            var compared = 0;
            for (var number = state.FrameCount; number > 0 && compared < PagesMax && state.FrameCount - number < FramesAfterMax + PagesMax; number--)
            {
                var length = number > state.Copied ? WalFrameHeader.Size : frameSize;
                if (wal.Read(WalFrameHeader.OffsetOf(number, header.PageSize), frame.AsSpan(0, length)) != length)
                {
                    return null;
                }

                var of = WalFrameHeader.Read(frame);
                if (of.Salts != header.Salts)
                {
                    return null;
                }

                if (!seen.Add(of.PageNumber) || number > state.Copied)
                {
                    continue;
                }

                var content = page.AsSpan(0, header.PageSize.Bytes);
                connection.ReadFile(header.PageSize.OffsetOf(of.PageNumber), content);
                compared++;
                if (!content.SequenceEqual(frame.AsSpan(WalFrameHeader.Size, header.PageSize.Bytes)) && !IsBeyondEnd(connection, of.PageNumber))
                {
                    return false;
                }
            }

            return compared > 0 ? true : null;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(frame);
            ArrayPool<byte>.Shared.Return(page);
        }
    }

    // Pages that a later transaction has cut off are not copied.
    private static bool IsBeyondEnd(DatabaseConnection connection, uint pageNumber)
        => connection.TryReadNewest()?.End is not { } end || pageNumber > end.PageCount;
}
