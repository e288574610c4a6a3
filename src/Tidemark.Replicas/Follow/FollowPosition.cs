using Tidemark.Formats;

namespace Tidemark.Replicas.Follow;

/// <summary>Which state a followed database has, and how it came to it.</summary>
public sealed record FollowPosition
{
    /// <summary>What the round has done.</summary>
    public required FollowOutcome Outcome { get; init; }

    /// <summary>Why the database was restored as a whole, if it was though it had a state already.</summary>
    public FollowReason Reason { get; init; }

    /// <summary>The state before; <see cref="Txid.None"/> where it was not known.</summary>
    public required Txid Previous { get; init; }

    /// <summary>The state now.</summary>
    public required Txid Txid { get; init; }

    /// <summary>Size of the pages.</summary>
    public required PageSize PageSize { get; init; }

    /// <summary>Size of the database in pages.</summary>
    public required uint Pages { get; init; }

    /// <summary>How many pages were written.</summary>
    public long PagesWritten { get; init; }

    /// <summary>How many files of the replica were applied or restored from.</summary>
    public int FileCount { get; init; }

    /// <summary>Bytes read from the store.</summary>
    public long BytesRead { get; init; }

    /// <summary>Whether the checksum of the whole database was compared with the one in the newest file.</summary>
    public bool IsProven { get; init; }

    /// <summary>Whether more is waiting in the replica, so that the next round need not wait.</summary>
    public bool HasMore { get; init; }
}
