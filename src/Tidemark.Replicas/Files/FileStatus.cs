namespace Tidemark.Replicas.Files;

/// <summary>What the system tells of that to which a path leads, without opening it.</summary>
/// <param name="Kind">What it is.</param>
/// <param name="Rights">Who may do what with it; null where the system has no such rights.</param>
/// <param name="NameCount">How many names lead to it on its disk: more than one has a file with hard links. 1 where the system does not
/// tell.</param>
/// <param name="IsMountPoint">Whether something is mounted just there, be it a disk, a folder or a single file; null where the system does
/// not tell.</param>
public readonly record struct FileStatus(FileKind Kind, FileRights? Rights, long NameCount = 1, bool? IsMountPoint = null);
