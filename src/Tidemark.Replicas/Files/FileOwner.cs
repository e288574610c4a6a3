namespace Tidemark.Replicas.Files;

/// <summary>Whose file it is, by the numbers of the system.</summary>
/// <param name="User">The user.</param>
/// <param name="Group">The group.</param>
public readonly record struct FileOwner(uint User, uint Group);
