using Tidemark.Formats;

namespace Tidemark.Replicas.Restore;

/// <summary>There is nothing to restore: the replica is empty, or nothing in it is as old as was asked for.</summary>
public sealed class NoMatchingBackupException : TidemarkException
{
    internal NoMatchingBackupException(string message, string hint)
        : base(message, hint)
    {
    }

    internal static NoMatchingBackupException ReplicaIsEmpty()
        => new("No matching backup: the replica holds no files.", "Check the URL of the replica, and whether replication has ever run.");

    internal static NoMatchingBackupException NothingBefore(RestoreTarget.Before target, DateTimeOffset oldest)
        => new(
            $"No matching backup: the replica cannot give {target}.",
            $"Ask for a time after {RestoreTarget.TextOf(oldest)}, when the oldest state that can be restored was made.");
}
