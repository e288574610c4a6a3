using Tidemark.Formats;
using Tidemark.Replicas.Catalog;

namespace Tidemark.Replicas.Restore;

/// <summary>Files as streams, one after the other, of which several ranges are read ahead at once.</summary>
/// <remarks>
/// Memory is one buffer for each range that may be underway. With one, it is read when it is needed, on the thread that needs it. A
/// failure shows where the bytes that could not be read are needed. Not thread-safe.
/// </remarks>
internal sealed class ReadAhead : IAsyncDisposable
{
    private readonly RangeReader _reader;
    private readonly IEnumerator<FileRange> _coming;
    private readonly int _rangesMax;
    private readonly CancellationTokenSource _stopping;
    private readonly Queue<(FileRange Range, byte[] Buffer, Task<int> Length)> _underway = new();
    private readonly Stack<byte[]> _free = new();

    /// <summary>Reads nothing yet.</summary>
    /// <param name="reader">Reads the ranges.</param>
    /// <param name="files">The files, in the order in which they are needed.</param>
    /// <param name="rangesMax">How many ranges are underway at most, the one that is being used included.</param>
    /// <param name="cancellationToken">Ends all reading.</param>
    public ReadAhead(RangeReader reader, IEnumerable<LtxFileInfo> files, int rangesMax, CancellationToken cancellationToken)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(rangesMax, 1);
        (_reader, _rangesMax) = (reader, rangesMax);
        _coming = FileRange.Of(files).GetEnumerator();
        _stopping = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
    }

    /// <summary>Opens the next file. The one before must have been read to its end.</summary>
    public Stream OpenNext() => new ReadAheadStream(this);

    /// <summary>Takes the next range, once it is there. Its buffer must be given back.</summary>
    internal async ValueTask<FilledRange> TakeAsync()
    {
        FillUp();
        var (range, buffer, length) = _underway.Dequeue();
        try
        {
            return new FilledRange(range, buffer, await length.ConfigureAwait(false));
        }
        catch
        {
            Return(buffer);
            throw;
        }
    }

    /// <summary>Gives a buffer back.</summary>
    internal void Return(byte[] buffer) => _free.Push(buffer);

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync().ConfigureAwait(false);
        foreach (var (_, _, length) in _underway)
        {
            await ((Task)length).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing); // Nobody needs what it failed to read.
        }

        _coming.Dispose();
        _stopping.Dispose();
    }

    private void FillUp()
    {
        while (_underway.Count < _rangesMax && _coming.MoveNext())
        {
            var range = _coming.Current;
            var size = range.SizeBytes + (range.IsLast ? 1 : 0);
            var buffer = _free.TryPop(out var used) && used.Length >= size ? used : GC.AllocateUninitializedArray<byte>(size);
            var room = buffer.AsMemory(0, size);

            // Stores of files read without ever giving up the thread, so others than the reader's are needed to read at once.
            var length = _rangesMax == 1
                ? _reader.ReadAsync(range, room, _stopping.Token)
                : Task.Run(() => _reader.ReadAsync(range, room, _stopping.Token));
            _underway.Enqueue((range, buffer, length));
        }

        Invariant.Holds(_underway.Count > 0, "No file is opened beyond the last one.");
    }
}
