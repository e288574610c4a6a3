using Tidemark.Formats;
using Tidemark.Replicas.Files;

namespace Tidemark.Replicas.Follow;

/// <summary>The followed database cannot be brought to a newer state.</summary>
public sealed class FollowException : TidemarkException
{
    private FollowException(string message, string? hint, Exception? cause = null)
        : base(message, hint, cause)
    {
    }

    /// <summary>Whether others have the database locked, so that nothing was touched.</summary>
    internal bool IsFromOthersInTheWay { get; private init; }

    internal static FollowException Refused(string path, string txid, string record)
        => new(
            $"Cannot resume following: {path} exists, but nothing tells which state of the replica it is: "
            + $"{path}{FollowFiles.TxidEnding} {txid}, and {path}{FollowFiles.RecordEnding} {record}.",
            "Delete the database to restore it again, or use -force to overwrite it.");

    internal static FollowException InUse(string path)
        => new(
            $"Cannot follow into {path}: another follower does already.", "Stop that one first, or follow into another file.");

    internal static FollowException ReadersInTheWay(string path, TimeSpan waited)
        => new(
            $"Cannot apply changes to {path}: a reader has been in a transaction for more than {waited.TotalSeconds:0.###} seconds.",
            "End long read transactions on the database, so that it can follow the replica.")
        {
            IsTransient = true,
            IsFromOthersInTheWay = true,
        };

    internal static FollowException WriterInTheWay(string path, TimeSpan waited)
        => new(
            $"Cannot apply changes to {path}: another program has locked it for writing for more than {waited.TotalSeconds:0.###} seconds.",
            "Let nobody write to the database; only its source may change.")
        {
            IsTransient = true,
            IsFromOthersInTheWay = true,
        };

    internal static FollowException JournalLeft(string path)
        => new(
            $"Cannot apply changes to {path}: another program has begun to write to it, and ended without taking that back.",
            "Let nobody write to the database; only its source may change.")
        {
            IsTransient = true,
            IsFromOthersInTheWay = true,
        };

    internal static FollowException LacksPages(Txid txid, uint page, uint pages)
        => new($"The files up to TXID {txid} lack page {page} of {pages}.", "Begin the replica anew from a full image.");

    internal static FollowException NoLocks(string path, Exception cause)
        => new($"Cannot follow into {path}: {cause.Message}", "Follow on Linux, or restore without following.", cause);

    internal static FollowException Failed(string action, string path, Exception cause)
        => new($"Cannot {action} {path}: {cause.Message}", FileErrors.HintFor(cause, path), cause)
        {
            IsTransient = FileErrors.IsTransient(cause),
        };
}
