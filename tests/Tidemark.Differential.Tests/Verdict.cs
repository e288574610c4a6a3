namespace Tidemark.Differential.Tests;

/// <summary>What a script has shown.</summary>
/// <param name="Failure">Which promise was broken; null if none.</param>
/// <param name="IsSafe">The script is safe without Tidemark, so the source had to be the same with it.</param>
/// <param name="Excuse">Tidemark said that the replica is not the source, or null.</param>
internal sealed record Verdict(string? Failure, bool IsSafe, string? Excuse);
