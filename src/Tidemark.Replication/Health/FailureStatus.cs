namespace Tidemark.Replication.Health;

/// <summary>A failure, as a person should read it.</summary>
/// <param name="Time">When it happened.</param>
/// <param name="Reason">What is wrong, and what to do where that is known.</param>
public sealed record FailureStatus(DateTimeOffset Time, string Reason);
