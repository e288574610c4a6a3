namespace Tidemark.Replicas.Follow;

/// <summary>What is known of the database before it follows.</summary>
internal enum OutputKnowledge
{
    /// <summary>There is none, or an empty file.</summary>
    Missing,

    /// <summary>There is one, and nothing tells what it is.</summary>
    Foreign,

    /// <summary>It was a state of the replica, and somebody else has changed it.</summary>
    Changed,

    /// <summary>A TXID is noted for it, and nothing proves that it is that state.</summary>
    Claimed,

    /// <summary>It is a state of the replica.</summary>
    Known,
}
