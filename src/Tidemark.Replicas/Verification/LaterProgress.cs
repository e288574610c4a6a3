using Tidemark.Replicas.Restore;

namespace Tidemark.Replicas.Verification;

/// <summary>Passes on the progress of one part of a work as that of the whole, of which some is done already.</summary>
internal sealed class LaterProgress(IProgress<RestoreProgress> whole, long bytesDone) : IProgress<RestoreProgress>
{
    /// <inheritdoc/>
    public void Report(RestoreProgress value)
        => whole.Report(value with { BytesRead = bytesDone + value.BytesRead, BytesTotal = bytesDone + value.BytesTotal });
}
