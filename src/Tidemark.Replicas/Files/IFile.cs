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

    /// <summary>Locks a range of bytes, without waiting, by the locks that SQLite uses too. The range may lie beyond the end. Advisory; given
    /// back by <see cref="UnlockRange"/>, by closing the file, and when the process ends. A range that is locked already gets the new
    /// kind of lock; where it cannot, it keeps the old one.</summary>
    /// <param name="offset">Where the range begins.</param>
    /// <param name="length">How many bytes.</param>
    /// <param name="isShared">Whether others may share the range as well. Otherwise it is for this file alone.</param>
    /// <returns>False when somebody else has a lock on a part of it that stands against this one.</returns>
    /// <exception cref="PlatformNotSupportedException">This system has other locks.</exception>
    bool TryLockRange(long offset, long length, bool isShared = false);

    /// <summary>Gives back a range that was locked. Not an error where it was not.</summary>
    void UnlockRange(long offset, long length);
}
