namespace Tidemark.Replicas.Files;

/// <summary>What the system tells of that to which a path leads, without opening it.</summary>
/// <param name="Kind">What it is.</param>
/// <param name="Rights">Who may do what with it; null where the system has no such rights.</param>
public readonly record struct FileStatus(FileKind Kind, FileRights? Rights);
