namespace Tidemark.Replicas.Files;

/// <summary>Somebody who uses a file.</summary>
/// <param name="ProcessId">The process; null where the system hides it, as that of another container.</param>
public readonly record struct FileUse(int? ProcessId)
{
    /// <summary>Whether it is this process.</summary>
    public bool IsByThisProcess => ProcessId == Environment.ProcessId;
}
