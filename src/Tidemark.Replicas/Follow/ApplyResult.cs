namespace Tidemark.Replicas.Follow;

/// <summary>What a batch has made of a database.</summary>
/// <param name="State">The state now.</param>
/// <param name="PagesWritten">How many pages were written.</param>
/// <param name="IsProven">Whether the checksum of the whole database was compared.</param>
internal readonly record struct ApplyResult(OutputState State, long PagesWritten, bool IsProven);
