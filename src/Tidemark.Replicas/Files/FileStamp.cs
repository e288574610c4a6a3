namespace Tidemark.Replicas.Files;

/// <summary>What the system tells of a file without opening it. Two equal stamps with more time between them than the system's clock needs
/// for a tick mean that nobody has written or replaced the file meanwhile.</summary>
/// <param name="Device">The file system that holds the file.</param>
/// <param name="Number">The file's number there (inode).</param>
/// <param name="SizeBytes">Its size.</param>
/// <param name="ModifiedNs">When its content was changed last, in nanoseconds since 1970 (UTC). Programs can set it.</param>
/// <param name="ChangedNs">When anything of it was changed last: content, times, or name. Programs cannot set it.</param>
/// <param name="Boot">The start of the machine in which the stamp was taken. Times that were not on the disk when the power failed come
/// back as older ones, so stamps of different starts are never equal.</param>
public readonly record struct FileStamp(
    ulong Device, ulong Number, long SizeBytes, long ModifiedNs, long ChangedNs, UInt128 Boot)
{
    /// <summary>Which file it is.</summary>
    public FileIdentity Identity => new(Device, Number);
}
