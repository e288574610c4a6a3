using Tidemark.Formats;
using Tidemark.Replicas.Stores;

namespace Tidemark.Replicas.Restore;

/// <summary>There is nothing to restore: the replica is empty, or nothing in it is as old as was asked for.</summary>
public sealed class NoMatchingBackupException : TidemarkException
{
    internal NoMatchingBackupException(string message, string hint)
        : base(message, hint)
    {
    }

    /// <summary>Whether the place of the replica does not exist, so that there may well be a backup elsewhere: a disk may not be
    /// mounted.</summary>
    public bool IsPlaceMissing { get; private init; }

    /// <summary>There is no replica.</summary>
    /// <param name="absence">What is there instead.</param>
    public static NoMatchingBackupException NoReplica(ReplicaAbsence absence)
        => new(absence.Message, absence.Hint) { IsPlaceMissing = absence.IsPlaceMissing };

    internal static NoMatchingBackupException ReplicaIsEmpty()
        => new("No matching backup: the replica holds no files.", "Check the URL of the replica, and whether replication has ever run.");

    internal static NoMatchingBackupException NothingBefore(RestoreTarget.Before target, DateTimeOffset oldest)
        => new(
            $"No matching backup: the replica cannot give {target}.",
            $"Ask for a time after {RestoreTarget.TextOf(oldest)}, when the oldest state that can be restored was made.");
}
