namespace Tidemark.Replicas.Follow;

/// <summary>What a follower does next. Pure.</summary>
/// <remarks>A claimed state is proven by what is applied to it, or else not believed. That the position is newer than the newest snapshot is
/// the normal case: snapshots play no part in going on.</remarks>
internal abstract record FollowDecision
{
    private FollowDecision()
    {
    }

    /// <summary>Decides.</summary>
    public static FollowDecision From(in FollowObservation seen)
    {
        switch (seen.Output)
        {
            case OutputKnowledge.Missing:
            case OutputKnowledge.Foreign when seen.MayOverwrite:
                return new Restore();
            case OutputKnowledge.Foreign:
                return new RefuseOutput();
            case OutputKnowledge.Changed:
                return new RestoreAgain(FollowReason.OutputChanged);
        }

        if (FollowChain.From(seen.Files, seen.Position) is { Files.Count: > 0 } chain)
        {
            return new Apply(chain);
        }

        if (seen.Output == OutputKnowledge.Claimed)
        {
            return new RestoreAgain(FollowReason.Unproven);
        }

        var position = seen.Position;
        if (seen.Files.Any(file => file.MaxTxid > position))
        {
            return new RestoreAgain(FollowReason.HistoryPruned);
        }

        return seen.Files.Any(file => file.MaxTxid == position) ? new Idle() : new RestoreAgain(FollowReason.ReplicaIsBehind);
    }

    /// <summary>Put a new database there.</summary>
    public sealed record Restore : FollowDecision;

    /// <summary>Leave alone what is there: it may be somebody's.</summary>
    public sealed record RefuseOutput : FollowDecision;

    /// <summary>Apply files that continue the position.</summary>
    public sealed record Apply(FollowChain Chain) : FollowDecision;

    /// <summary>Nothing is newer.</summary>
    public sealed record Idle : FollowDecision;

    /// <summary>Bring the database to the newest state as a whole.</summary>
    public sealed record RestoreAgain(FollowReason Reason) : FollowDecision;
}
