using Tidemark.Formats;

namespace Tidemark.Replicas.Follow;

/// <summary>A round of following that failed and will be tried again. The database is in the state that it had.</summary>
/// <param name="Error">What went wrong.</param>
/// <param name="Consecutive">How many rounds in a row have failed, this one included.</param>
/// <param name="RetryIn">How long until the next try.</param>
public sealed record FollowFailure(TidemarkException Error, int Consecutive, TimeSpan RetryIn);
