using System.IO.Hashing;

namespace Tidemark.Formats.Ltx;

/// <summary>What the bytes of the page index must be, as a hash: it is built while frames go by and takes the same memory for any number of
/// pages.</summary>
/// <remarks>
/// The hash is another one than the file checksum, so that an index that was damaged before the file checksum was computed is found too.
/// </remarks>
internal sealed class LtxIndexDigest
{
    private readonly XxHash128 _hash = new();
    private readonly byte[] _buffer = new byte[4096];
    private int _buffered;

    /// <summary>Length of the entries, without the zero that ends them, in bytes.</summary>
    public long Length { get; private set; }

    /// <summary>Adds the entry of a frame.</summary>
    public void Add(in LtxIndexEntry entry)
    {
        if (_buffer.Length - _buffered < LtxIndexEntry.SizeMax)
        {
            Flush();
        }

        var length = entry.Write(_buffer.AsSpan(_buffered));
        _buffered += length;
        Length += length;
    }

    /// <summary>Whether the bytes that went into <paramref name="actual"/> are those of the entries.</summary>
    public bool Matches(XxHash128 actual)
    {
        Flush();
        return _hash.GetCurrentHashAsUInt128() == actual.GetCurrentHashAsUInt128();
    }

    private void Flush()
    {
        _hash.Append(_buffer.AsSpan(0, _buffered));
        _buffered = 0;
    }
}
