using System.IO.Hashing;
using Tidemark.Formats.Ltx;

namespace Tidemark.Replication.Capture;

/// <summary>A digest of an LTX file's bytes, taken while it is written or read. Many times as fast as the checks of the format, which
/// expand every page.</summary>
/// <remarks>The header counts last, since a writer puts the final one in place at the end. Everything else comes in order, or else there is
/// no digest.</remarks>
internal sealed class FileDigest
{
    private readonly byte[] _header = new byte[LtxHeader.Size];
    private readonly XxHash128 _rest = new();
    private long _end;
    private bool _isInOrder = true;

    /// <summary>The digest of all bytes so far, or null when they did not come in order.</summary>
    public UInt128? Value
    {
        get
        {
            if (!_isInOrder || _end < LtxHeader.Size)
            {
                return null;
            }

            var whole = _rest.Clone();
            whole.Append(_header);
            return whole.GetCurrentHashAsUInt128();
        }
    }

    /// <summary>Adds bytes that stand at an offset of the file.</summary>
    public void Add(long offset, ReadOnlySpan<byte> bytes)
    {
        if (offset < LtxHeader.Size)
        {
            var count = (int)Math.Min(bytes.Length, LtxHeader.Size - offset);
            bytes[..count].CopyTo(_header.AsSpan((int)offset));
            bytes = bytes[count..];
            offset += count;
        }

        if (!bytes.IsEmpty)
        {
            _isInOrder &= offset == Math.Max(_end, LtxHeader.Size);
            _rest.Append(bytes);
        }

        _end = Math.Max(_end, offset + bytes.Length);
    }
}
