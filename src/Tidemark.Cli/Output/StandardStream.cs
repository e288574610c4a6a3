using Tidemark.Formats;

namespace Tidemark.Cli.Output;

/// <summary>Standard output or standard error, whose other end may be full, closed or gone.</summary>
/// <param name="inner">The stream of the system.</param>
/// <param name="isForResults">Whether what cannot be written is a failure of the command. Otherwise it gets lost: there is nowhere to tell
/// it.</param>
internal sealed class StandardStream(Stream inner, bool isForResults) : Stream
{
    public override bool CanRead => false;

    public override bool CanSeek => false;

    public override bool CanWrite => true;

    public override long Length => throw new NotSupportedException();

    public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

    public override void Write(ReadOnlySpan<byte> buffer)
    {
        try
        {
            inner.Write(buffer);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            if (isForResults)
            {
                throw new TidemarkException($"Cannot write to standard output: {e.Message}", e);
            }
        }
    }

    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

    // What is written is written at once.
    public override void Flush()
    {
    }

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();
}
