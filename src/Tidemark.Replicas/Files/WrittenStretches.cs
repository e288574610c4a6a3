namespace Tidemark.Replicas.Files;

/// <summary>Tells which stretches of a file are full, so that the disk may begin with them.</summary>
/// <remarks>Not earlier: single pages all over a file, among which others come later, would cost the disk one operation each, and then
/// again one for each gap. What is written twice counts twice. Thread-safe.</remarks>
internal sealed class WrittenStretches
{
    /// <summary>Size of a stretch, and of its place in the file.</summary>
    public const int SizeBytes = 8 << 20;

    private readonly Lock _gate = new();
    private Dictionary<long, int>? _bytes; // Most files are small.

    /// <summary>Takes note of a write.</summary>
    /// <param name="offset">Where it begins.</param>
    /// <param name="length">How long it is.</param>
    /// <param name="full">Is given the offset of each stretch that is full now.</param>
    public void Add(long offset, int length, Action<long> full)
    {
        for (var end = offset + length; offset < end;)
        {
            var start = offset - (offset % SizeBytes);
            var count = (int)(Math.Min(end, start + SizeBytes) - offset);
            if (Fills(start, count))
            {
                full(start);
            }

            offset += count;
        }
    }

    private bool Fills(long start, int count)
    {
        lock (_gate)
        {
            _bytes ??= [];
            var bytes = _bytes.GetValueOrDefault(start) + count;
            if (bytes < SizeBytes)
            {
                _bytes[start] = bytes;
                return false;
            }

            _bytes.Remove(start);
            return true;
        }
    }
}
