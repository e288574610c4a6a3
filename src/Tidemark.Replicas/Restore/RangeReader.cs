using Tidemark.Replicas.Stores;

namespace Tidemark.Replicas.Restore;

/// <summary>Reads ranges of files, and goes on with one that breaks off where it broke off.</summary>
/// <remarks>Thread-safe: it has no state.</remarks>
/// <param name="store">The replica.</param>
/// <param name="time">The clock, for the pauses between tries. Null: there is one try, and who asked tries again.</param>
internal sealed class RangeReader(IReplicaStore store, TimeProvider? time)
{
    /// <summary>So many failures in a row, without a byte between them, end it: after some ten seconds.</summary>
    internal const int FailuresMax = 8;

    private static readonly TimeSpan s_pauseMin = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan s_pauseMax = TimeSpan.FromSeconds(5);

    /// <summary>Reads a range into a buffer.</summary>
    /// <param name="range">Which one.</param>
    /// <param name="buffer">Has room for it and, where it is the last of its file, for one byte more, which shows that the file has
    /// grown.</param>
    /// <param name="cancellationToken">Ends the reading.</param>
    /// <returns>How many bytes were read. Fewer than listed when the file ends before.</returns>
    /// <exception cref="ReplicaFileNotFoundException">The file has vanished.</exception>
    /// <exception cref="ReplicaStoreException">It cannot be read, and trying again has not helped or cannot help.</exception>
    public async Task<int> ReadAsync(FileRange range, Memory<byte> buffer, CancellationToken cancellationToken)
    {
        var (count, failures) = (0, 0);
        while (true)
        {
            var before = count;
            try
            {
                var content = await store.OpenAsync(
                    range.File.Key, range.Offset + count, range.IsLast ? null : range.SizeBytes - count, cancellationToken)
                    .ConfigureAwait(false);
                await using (content.ConfigureAwait(false))
                {
                    while (count < buffer.Length
                        && await content.ReadAsync(buffer[count..], cancellationToken).ConfigureAwait(false) is > 0 and var read)
                    {
                        count += read;
                    }

                    return count;
                }
            }
            catch (ReplicaStoreException e) when (e.IsTransient && time is not null)
            {
                failures = count > before ? 1 : failures + 1;
                if (failures == FailuresMax)
                {
                    throw;
                }

                await Task.Delay(PauseAfter(failures), time, cancellationToken).ConfigureAwait(false);
            }
        }
    }

    private static TimeSpan PauseAfter(int failures)
        => s_pauseMin * (1 << (failures - 1)) is var doubled && doubled < s_pauseMax ? doubled : s_pauseMax;
}
