namespace Tidemark.Cli.Commands;

/// <summary>What a restore in either format has made.</summary>
/// <param name="State">What was restored. Newer than what was planned, if a planned file had vanished.</param>
/// <param name="SizeBytes">Size of the database.</param>
/// <param name="BytesRead">Bytes read from the store.</param>
/// <param name="IsProven">Whether it was compared with a checksum of the whole database.</param>
/// <param name="Elapsed">How long it took.</param>
internal sealed record RestoredDatabase(PlannedRestore State, long SizeBytes, long BytesRead, bool IsProven, TimeSpan Elapsed);
