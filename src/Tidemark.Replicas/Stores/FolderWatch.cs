using Tidemark.Replicas.Files;

namespace Tidemark.Replicas.Stores;

/// <summary>Watches the folder of a level. A folder that is made, or made again, is noticed from the next call on.</summary>
internal sealed class FolderWatch(IFileWatch watch, string folder) : IReplicaWatch
{
    /// <inheritdoc/>
    public Task NextAsync()
    {
        var next = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _ = watch.TryArmNames(folder, next.SetResult);
        return next.Task;
    }

    /// <inheritdoc/>
    public void Dispose() => watch.Dispose();
}
