using Tidemark.Replicas.Catalog;

namespace Tidemark.Replicas.Verification;

/// <summary>Something that was noticed in a v0.3 replica.</summary>
/// <param name="IsProblem">Whether it must not be. Otherwise it is good to know, and nothing is wrong.</param>
/// <param name="File">The file that it is about, or null.</param>
/// <param name="Message">What was noticed, in a sentence.</param>
/// <param name="Hint">What helps, or null.</param>
public sealed record LegacyFinding(bool IsProblem, LegacyFileKey? File, string Message, string? Hint = null);
