using Tidemark.Replicas.Catalog;
using Tidemark.Replicas.Stores;

namespace Tidemark.Testing.Stores;

/// <summary>A store in memory that can be waited for.</summary>
public sealed class SignallingStore() : StoreDecorator(new MemoryStore())
{
    private readonly Lock _gate = new();
    private TaskCompletionSource _written = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>How many files were written.</summary>
    public int Count { get; private set; }

    /// <summary>Waits until as many files were written.</summary>
    public async Task WaitForFilesAsync(int count, CancellationToken cancellationToken)
    {
        while (true)
        {
            Task written;
            lock (_gate)
            {
                if (Count >= count)
                {
                    return;
                }

                written = _written.Task;
            }

            await written.WaitAsync(cancellationToken);
        }
    }

    /// <inheritdoc/>
    public override ValueTask<LtxFileInfo> WriteAsync(
        LtxFileKey key, DateTimeOffset created, Stream content, CancellationToken cancellationToken)
        => SignalAsync(base.WriteAsync(key, created, content, cancellationToken));

    /// <inheritdoc/>
    public override ValueTask<LtxFileInfo> CreateAsync(
        LtxFileKey key, DateTimeOffset created, Stream content, CancellationToken cancellationToken)
        => SignalAsync(base.CreateAsync(key, created, content, cancellationToken));

    private async ValueTask<LtxFileInfo> SignalAsync(ValueTask<LtxFileInfo> writing)
    {
        var file = await writing;
        lock (_gate)
        {
            Count++;
            _written.SetResult();
            _written = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        }

        return file;
    }
}
