using System.Buffers.Binary;
using System.Security.Cryptography;
using Tidemark.Formats;
using Tidemark.Replicas.Files;

namespace Tidemark.Replicas.Follow;

/// <summary>Writes a rollback journal. It counts only from <see cref="Complete"/> on. Not thread-safe.</summary>
internal sealed class JournalWriter : IDisposable
{
    private const int BufferSizeBytes = 256 << 10;

    private readonly IFile _file;
    private readonly int _recordSize;
    private readonly byte[] _buffer;
    private readonly uint _nonce;
    private long _offset = JournalFormat.SectorSize;
    private int _buffered;
    private uint _records;

    /// <summary>Begins a journal for a database of <paramref name="pages"/> pages. It owns the file.</summary>
    public JournalWriter(IFile file, PageSize pageSize, uint pages)
    {
        _file = file;
        _recordSize = JournalFormat.RecordSize(pageSize);
        _buffer = new byte[Math.Max(BufferSizeBytes, _recordSize)];
        _nonce = BitConverter.ToUInt32(RandomNumberGenerator.GetBytes(sizeof(uint)));
        Span<byte> header = stackalloc byte[JournalFormat.HeaderSize];
        header.Clear();
        BinaryPrimitives.WriteUInt32BigEndian(header[JournalFormat.NonceOffset..], _nonce);
        BinaryPrimitives.WriteUInt32BigEndian(header[JournalFormat.PagesOffset..], pages);
        BinaryPrimitives.WriteUInt32BigEndian(header[JournalFormat.SectorSizeOffset..], JournalFormat.SectorSize);
        BinaryPrimitives.WriteUInt32BigEndian(header[JournalFormat.PageSizeOffset..], (uint)pageSize.Bytes);
        file.Write(0, header);
        file.SetLength(JournalFormat.SectorSize);
    }

    /// <summary>Adds the old content of a page.</summary>
    public void Add(uint pageNumber, ReadOnlySpan<byte> page)
    {
        if (_buffered + _recordSize > _buffer.Length)
        {
            Flush();
        }

        JournalFormat.WriteRecord(_buffer.AsSpan(_buffered), _nonce, pageNumber, page);
        _buffered += _recordSize;
        _records++;
    }

    /// <summary>Makes the journal durable, and then one that counts: a crash never leaves one that counts and is not whole.</summary>
    public void Complete()
    {
        Flush();
        _file.Sync();
        Span<byte> start = stackalloc byte[JournalFormat.StartSize];
        JournalFormat.Magic.CopyTo(start);
        BinaryPrimitives.WriteUInt32BigEndian(start[JournalFormat.MagicSize..], _records);
        _file.Write(0, start);
        _file.Sync();
    }

    /// <inheritdoc/>
    public void Dispose() => _file.Dispose();

    private void Flush()
    {
        _file.Write(_offset, _buffer.AsSpan(0, _buffered));
        _offset += _buffered;
        _buffered = 0;
    }
}
