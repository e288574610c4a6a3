namespace Tidemark.Replicas.Files;

/// <summary>What a path leads to.</summary>
public enum FileKind
{
    /// <summary>A file that holds what was written to it.</summary>
    File,

    /// <summary>A folder.</summary>
    Folder,

    /// <summary>A named pipe: what is written to it goes to a program.</summary>
    Pipe,

    /// <summary>A socket.</summary>
    Socket,

    /// <summary>A device.</summary>
    Device,
}
