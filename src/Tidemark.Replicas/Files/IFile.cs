namespace Tidemark.Replicas.Files;

/// <summary>An open file. Reads and writes carry their offset, so several threads may use one file at once on different ranges.</summary>
public interface IFile : IDisposable
{
    /// <summary>Size in bytes.</summary>
    long Length { get; }

    /// <summary>Reads at an offset; fewer bytes than asked for only at the end of the file.</summary>
    int Read(long offset, Span<byte> destination);

    /// <summary>Writes all bytes at an offset.</summary>
    void Write(long offset, ReadOnlySpan<byte> source);

    /// <summary>Cuts or extends the file.</summary>
    void SetLength(long length);

    /// <summary>Makes everything that was written durable (fsync).</summary>
    void Sync();

    /// <summary>Locks a range of bytes for this file alone, without waiting, by the locks that SQLite uses too. The range may lie beyond the
    /// end. Advisory; given back by <see cref="UnlockRange"/>, by closing the file, and when the process ends.</summary>
    /// <returns>False when somebody else has locked a part of it.</returns>
    /// <exception cref="PlatformNotSupportedException">This system has other locks.</exception>
    bool TryLockRange(long offset, long length);

    /// <summary>Gives back a range that was locked. Not an error where it was not.</summary>
    void UnlockRange(long offset, long length);
}
