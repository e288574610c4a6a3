namespace Tidemark.Replication.Capture;

/// <summary>How captures of one database are made.</summary>
/// <param name="BytesMax">After this many bytes of WAL a capture ends at the next commit.</param>
/// <param name="BusyTimeout">How long SQLite waits for a lock.</param>
/// <param name="Parallelism">Cores that compress pages.</param>
internal sealed record CaptureSettings(long BytesMax, TimeSpan BusyTimeout, int Parallelism)
{
    /// <summary>Whether nothing else in this process uses the database; see <see cref="DatabaseOptions.HasProcessToItself"/>.</summary>
    public bool HasProcessToItself { get; init; }
}
