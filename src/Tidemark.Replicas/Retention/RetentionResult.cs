namespace Tidemark.Replicas.Retention;

/// <summary>What was deleted.</summary>
/// <param name="Files">How many files.</param>
/// <param name="SizeBytes">Their size together, as listed.</param>
public readonly record struct RetentionResult(int Files, long SizeBytes);
