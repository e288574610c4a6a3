namespace Tidemark.Replicas.Catalog;

/// <summary>A file of a v0.3 replica, as a listing tells of it.</summary>
/// <param name="Key">Which file.</param>
/// <param name="SizeBytes">Size of the file, compressed as it is.</param>
/// <param name="Created">When it was written. The format itself keeps no time, so a copy that loses file times loses this.</param>
public readonly record struct LegacyFileInfo(LegacyFileKey Key, long SizeBytes, DateTimeOffset Created);
