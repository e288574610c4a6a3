namespace Tidemark.Replicas.Leases;

/// <summary>What a look at the claim found.</summary>
/// <param name="Outcome">In a word.</param>
/// <param name="Found">The claim that was there, if it could be read.</param>
public sealed record ClaimResult(ClaimOutcome Outcome, WriterClaim? Found = null);
