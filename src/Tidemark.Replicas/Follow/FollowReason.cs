namespace Tidemark.Replicas.Follow;

/// <summary>Why a followed database was restored as a whole instead of going on.</summary>
public enum FollowReason
{
    /// <summary>It was not.</summary>
    None,

    /// <summary>Files that continue its state are no longer there: retention has passed it.</summary>
    HistoryPruned,

    /// <summary>Its state lies past everything in the replica, which was replaced or put back.</summary>
    ReplicaIsBehind,

    /// <summary>The replica holds another history: another writer's, or files that follow another state.</summary>
    OtherHistory,

    /// <summary>Somebody else has changed the database.</summary>
    OutputChanged,

    /// <summary>Nothing proves that it is the state that its TXID tells: what is recorded of it is missing, or is that of other
    /// states.</summary>
    Unproven,

    /// <summary>The same, since what is recorded of it is damaged.</summary>
    RecordDamaged,

    /// <summary>The source has pages of another size now.</summary>
    PageSizeChanged,

    /// <summary>A file that continues its state is damaged, and no other one does.</summary>
    FileDamaged,
}
