namespace Tidemark.Replicas.Files;

/// <summary>Who may do what with a file or a folder.</summary>
/// <param name="Mode">What its owner, its group and all others may do.</param>
/// <param name="Owner">Whose it is; null where the system does not tell, or whose it shall be: that of the process.</param>
public readonly record struct FileRights(UnixFileMode Mode, FileOwner? Owner)
{
    private const UnixFileMode All = (UnixFileMode)0x1FF;
    private const UnixFileMode User = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;
    private const UnixFileMode Readers = UnixFileMode.UserRead | UnixFileMode.GroupRead | UnixFileMode.OtherRead;

    /// <summary>For nobody but the user of the process: what a file gets that has no other to be like.</summary>
    public static FileRights Private { get; } = new(UnixFileMode.UserRead | UnixFileMode.UserWrite, null);

    /// <summary>The rights of a folder that shows its files to those who may read this file, and can get to it.</summary>
    /// <param name="around">The mode of the folder in which this file lies; null where it is not known.</param>
    public FileRights ForFolder(UnixFileMode? around)
    {
        var entering = (UnixFileMode)((int)(Mode & Readers) >> 2); // The bit to enter stands two places after the one to read.
        return this with { Mode = ((Mode | entering) & (around ?? All) & All) | User };
    }

    /// <summary>The rights of a file of this process for those who may read this one: nobody else may write it.</summary>
    internal FileRights ForReaders() => new(
        Mode & ~(UnixFileMode.GroupWrite | UnixFileMode.OtherWrite),
        Owner is { } owner && !OperatingSystem.IsWindows() ? owner with { User = UnixFileRights.EffectiveUser() } : Owner);

    /// <summary>The same for a file that could not be given to its group: another one may do what all others may.</summary>
    internal UnixFileMode ModeForAnotherGroup()
    {
        var group = UnixFileMode.GroupRead | UnixFileMode.GroupWrite | UnixFileMode.GroupExecute;
        var others = (UnixFileMode)((int)Mode << 3);
        return Mode & (~group | others);
    }
}
