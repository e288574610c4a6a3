using Tidemark.Formats.Ltx;

namespace Tidemark.Formats.Tests.Ltx;

/// <summary>A file in memory that counts its requests.</summary>
internal sealed class MemorySource(byte[] file) : ILtxSource
{
    private int _requests;

    public int Requests => _requests;

    public long Length => file.Length;

    public async ValueTask ReadAsync(long offset, Memory<byte> destination, CancellationToken cancellationToken)
    {
        await Task.Yield();
        Interlocked.Increment(ref _requests);
        Assert.InRange(offset, 0, file.Length - destination.Length);
        file.AsMemory((int)offset, destination.Length).CopyTo(destination);
    }
}
