namespace Tidemark.Formats.Ltx;

/// <summary>A file whose end was read already: what lies there costs no further request.</summary>
internal sealed class LtxTailWindow(ILtxSource source, ReadOnlyMemory<byte> tail) : ILtxSource
{
    private readonly long _tailOffset = source.Length - tail.Length;

    /// <inheritdoc/>
    public long Length => source.Length;

    /// <inheritdoc/>
    public async ValueTask ReadAsync(long offset, Memory<byte> destination, CancellationToken cancellationToken)
    {
        var beforeTail = (int)Math.Clamp(_tailOffset - offset, 0, destination.Length);
        if (beforeTail > 0)
        {
            await source.ReadAsync(offset, destination[..beforeTail], cancellationToken).ConfigureAwait(false);
        }

        if (beforeTail < destination.Length)
        {
            var inTail = (int)(offset + beforeTail - _tailOffset);
            tail.Slice(inTail, destination.Length - beforeTail).CopyTo(destination[beforeTail..]);
        }
    }
}
