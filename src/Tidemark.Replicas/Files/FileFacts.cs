namespace Tidemark.Replicas.Files;

/// <summary>What a listing tells of a file.</summary>
/// <param name="SizeBytes">Its size.</param>
/// <param name="Modified">Its modification time.</param>
public readonly record struct FileFacts(long SizeBytes, DateTimeOffset Modified);
