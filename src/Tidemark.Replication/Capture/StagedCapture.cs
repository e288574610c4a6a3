namespace Tidemark.Replication.Capture;

/// <summary>A capture whose file is written, while the position still stands before it.</summary>
/// <remarks>
/// Made durable at once, except under the write lock: there, what waits for the disk waits until writers go on. Nothing is lost if it never
/// comes to that. The position
/// then does not continue in the WAL, and the pages that differ are captured.
/// </remarks>
internal sealed class StagedCapture(
    CapturedDatabase database,
    StagedFile file,
    PageChanges changes,
    ChecksumRebuild? rebuilt,
    Position reached,
    CaptureResult result) : IDisposable
{
    /// <summary>True when another capture would find more at once.</summary>
    public bool HasMore => result.HasMore;

    /// <summary>Makes the file durable and moves the position to its end.</summary>
    public CaptureResult Complete()
    {
        file.Publish();
        if (rebuilt is not null)
        {
            database.Advance(reached, rebuilt.Table);
        }
        else
        {
            database.Advance(reached, changes.Numbers, changes.Checksums);
        }

        return result;
    }

    public void Dispose()
    {
        file.Dispose();
        changes.Dispose();
        rebuilt?.Dispose();
    }
}
