using System.Buffers;
using System.Buffers.Binary;
using System.Runtime.InteropServices;
using Tidemark.Formats;
using Tidemark.Formats.Database;
using Tidemark.Replicas.Files;

namespace Tidemark.Replication.Capture;

/// <summary>One checksum for each page of the last captured state, in a file of the spool: eight bytes a page.</summary>
/// <remarks>
/// <para>The table proves itself: the exclusive-or of its entries is the rolling checksum of the position it belongs to, or it is not
/// believed. So it needs no sync; after a loss of power it is simply built again.</para>
/// <para>Layout: 16 bytes of head (magic, version, page size, zero), then a little-endian 64-bit <see cref="DatabaseChecksum.OfPage"/> for
/// each page from 1; zero for the lock page.</para>
/// <para>Not thread-safe. The file is open only while it is used, so a database at rest has no handle on it.</para>
/// </remarks>
internal sealed class PageChecksums : IDisposable
{
    private const int HeadSize = 16;
    private const int EntrySize = sizeof(ulong);
    private const uint Magic = 0x434d4454; // "TDMC"
    private const uint Version = 1;
    private const int EntriesOfBlock = 8192;

    private readonly IFileSystem _files;
    private readonly string _path;
    private readonly PageSize _pageSize;
    private IFile? _file;

    private PageChecksums(IFileSystem files, string path, PageSize pageSize, IFile file)
        => (_files, _path, _pageSize, _file) = (files, path, pageSize, file);

    private IFile File => _file ?? throw new InvariantException("The table of page checksums is opened before it is used.");

    /// <summary>Makes an empty table.</summary>
    public static PageChecksums Create(IFileSystem files, string path, PageSize pageSize)
    {
        var file = files.Open(path, FileMode.Create, FileAccess.ReadWrite);
        try
        {
            Span<byte> head = stackalloc byte[HeadSize];
            head.Clear();
            BinaryPrimitives.WriteUInt32LittleEndian(head, Magic);
            BinaryPrimitives.WriteUInt32LittleEndian(head[4..], Version);
            BinaryPrimitives.WriteUInt32LittleEndian(head[8..], (uint)pageSize.Bytes);
            file.Write(0, head);
            return new PageChecksums(files, path, pageSize, file);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>Opens the table, or returns null when there is none for this page size.</summary>
    public static PageChecksums? TryOpen(IFileSystem files, string path, PageSize pageSize)
        => TryOpenFile(files, path, pageSize) is { } file ? new PageChecksums(files, path, pageSize, file) : null;

    /// <summary>Opens the file again after <see cref="CloseFile"/>; false when it is gone.</summary>
    public bool TryOpenFile() => (_file ??= TryOpenFile(_files, _path, _pageSize)) is not null;

    /// <summary>Closes the file until it is used again.</summary>
    public void CloseFile()
    {
        _file?.Dispose();
        _file = null;
    }

    private static IFile? TryOpenFile(IFileSystem files, string path, PageSize pageSize)
    {
        if (!files.FileExists(path))
        {
            return null;
        }

        var file = files.Open(path, FileMode.Open, FileAccess.ReadWrite);
        Span<byte> head = stackalloc byte[HeadSize];
        if (file.Read(0, head) == HeadSize
            && BinaryPrimitives.ReadUInt32LittleEndian(head) == Magic
            && BinaryPrimitives.ReadUInt32LittleEndian(head[4..]) == Version
            && BinaryPrimitives.ReadUInt32LittleEndian(head[8..]) == pageSize.Bytes)
        {
            return file;
        }

        file.Dispose();
        return null;
    }

    /// <summary>Reads the entries of consecutive pages; zeros where the table does not reach.</summary>
    public void Read(uint firstPage, Span<ulong> checksums)
    {
        var bytes = MemoryMarshal.AsBytes(checksums);
        var count = File.Read(OffsetOf(firstPage), bytes);
        bytes[count..].Clear();
        ToMachineOrder(checksums);
    }

    /// <summary>Writes the entries of consecutive pages.</summary>
    public void Write(uint firstPage, Span<ulong> checksums)
    {
        ToMachineOrder(checksums);
        File.Write(OffsetOf(firstPage), MemoryMarshal.AsBytes(checksums));
        ToMachineOrder(checksums);
    }

    /// <summary>The exclusive-or of the entries from <paramref name="firstPage"/> to <paramref name="lastPage"/>, starting from
    /// <paramref name="start"/>.</summary>
    public DatabaseChecksum Toggle(DatabaseChecksum start, uint firstPage, uint lastPage)
    {
        var buffer = ArrayPool<ulong>.Shared.Rent(EntriesOfBlock);
        try
        {
            for (long page = firstPage; page <= lastPage; page += EntriesOfBlock)
            {
                var block = buffer.AsSpan(0, (int)Math.Min(EntriesOfBlock, lastPage - page + 1));
                Read((uint)page, block);
                foreach (var checksum in block)
                {
                    start = start.Toggle(checksum);
                }
            }

            return start;
        }
        finally
        {
            ArrayPool<ulong>.Shared.Return(buffer);
        }
    }

    /// <summary>Overwrites entries, in ascending order of pages.</summary>
    public void Apply(ReadOnlySpan<uint> pageNumbers, ReadOnlySpan<ulong> checksums)
    {
        using var cursor = new Cursor(this);
        for (var i = 0; i < pageNumbers.Length; i++)
        {
            cursor.Exchange(pageNumbers[i], checksums[i]);
        }
    }

    public void Dispose() => CloseFile();

    private static long OffsetOf(uint page) => HeadSize + ((page - 1L) * EntrySize);

    private static void ToMachineOrder(Span<ulong> checksums)
    {
        if (!BitConverter.IsLittleEndian)
        {
            BinaryPrimitives.ReverseEndianness(checksums, checksums);
        }
    }

    /// <summary>Walks over the table in ascending order of pages, a block at a time.</summary>
    public sealed class Cursor(PageChecksums table) : IDisposable
    {
        private const int BlockEntries = 512;

        private readonly ulong[] _block = ArrayPool<ulong>.Shared.Rent(BlockEntries);
        private uint _blockNumber = uint.MaxValue;
        private bool _isChanged;

        /// <summary>The entry of a page.</summary>
        public ulong Get(uint page)
        {
            MoveTo(page);
            return _block[(page - 1) % BlockEntries];
        }

        /// <summary>Puts a new entry in the place of the old one.</summary>
        public void Exchange(uint page, ulong checksum)
        {
            MoveTo(page);
            _block[(page - 1) % BlockEntries] = checksum;
            _isChanged = true;
        }

        public void Dispose()
        {
            Flush();
            ArrayPool<ulong>.Shared.Return(_block);
        }

        private void MoveTo(uint page)
        {
            var number = (page - 1) / BlockEntries;
            if (number != _blockNumber)
            {
                Flush();
                _blockNumber = number;
                table.Read((number * BlockEntries) + 1, _block.AsSpan(0, BlockEntries));
            }
        }

        private void Flush()
        {
            if (_isChanged)
            {
                table.Write((_blockNumber * BlockEntries) + 1, _block.AsSpan(0, BlockEntries));
                _isChanged = false;
            }
        }
    }
}
