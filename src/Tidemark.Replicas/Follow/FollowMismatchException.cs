using Tidemark.Formats;

namespace Tidemark.Replicas.Follow;

/// <summary>The replica does not go on from the state of the database. It is restored as a whole then.</summary>
internal sealed class FollowMismatchException(FollowReason reason, string message) : TidemarkException(message)
{
    /// <summary>Why.</summary>
    public FollowReason Reason => reason;
}
