namespace Tidemark.Replicas.Follow;

/// <summary>What a round of following has done.</summary>
public enum FollowOutcome
{
    /// <summary>There was nothing new.</summary>
    Idle,

    /// <summary>The database was not there and was restored.</summary>
    Restored,

    /// <summary>The database was found in a state that was not told yet, at the start or after a failure, and nothing is newer in the
    /// replica.</summary>
    Resumed,

    /// <summary>New files were applied.</summary>
    Applied,

    /// <summary>The newest state was restored as a whole. <see cref="FollowPosition.Reason"/> says why.</summary>
    RestoredAgain,
}
