using Tidemark.Replicas.Files;

namespace Tidemark.Replicas.Restore;

/// <summary>One file of a <see cref="ReadAhead"/>, for reading once.</summary>
internal sealed class ReadAheadStream(ReadAhead ahead) : ReadOnceStream
{
    private FilledRange? _range;
    private int _position;

    /// <inheritdoc/>
    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        while (_range is null || _position == _range.Value.Length)
        {
            if (_range is { EndsFile: true })
            {
                return 0;
            }

            GiveBack();
            _range = await ahead.TakeAsync().ConfigureAwait(false);
        }

        var range = _range.Value;
        var count = Math.Min(buffer.Length, range.Length - _position);
        range.Buffer.AsMemory(_position, count).CopyTo(buffer);
        _position += count;
        return count;
    }

    /// <inheritdoc/>
    public override int Read(Span<byte> buffer) => throw new NotSupportedException();

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        GiveBack();
        base.Dispose(disposing);
    }

    private void GiveBack()
    {
        if (_range is { } range)
        {
            ahead.Return(range.Buffer);
        }

        (_range, _position) = (null, 0);
    }
}
