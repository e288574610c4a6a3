using System.Globalization;
using Tidemark.Formats;
using Tidemark.Replicas.Catalog;

namespace Tidemark.Replicas.Legacy;

/// <summary>Files of a v0.3 replica are missing, damaged or of wrong times, so that the asked-for state cannot be restored. The hint says
/// what can.</summary>
public sealed class LegacyReplicaException : TidemarkException
{
    private LegacyReplicaException(string message, string? hint, Exception? cause = null)
        : base(message, hint, cause)
    {
    }

    internal static LegacyReplicaException NoSnapshot(string generation, Restore.RestoreTarget target, string hint)
        => new($"The v0.3 generation {generation}, the newest for {target}, has no snapshot to begin with.", hint);

    internal static LegacyReplicaException WrongTimes(in LegacyFileInfo newest, in LegacyFileInfo later)
        => new(
            $"{newest.Key} has the newest time, {Restore.RestoreTarget.TextOf(newest.Created)}, but {later.Key}, which was written "
            + $"after it, has {Restore.RestoreTarget.TextOf(later.Created)}: nothing tells which generation is the newest.",
            "Bring the file times back (cp -p, rsync -t), or copy the generation that you mean to a replica folder of its own.");

    internal static LegacyReplicaException MissingWal(string generation, uint index, string hint)
        => new($"The v0.3 generation {generation} has a hole: the WAL of index {Text(index)} is missing, but a later one is there.", hint);

    internal static LegacyReplicaException MissingPart(LegacyFileKey next, long from, string hint)
        => new(
            $"The v0.3 generation {next.Generation} has a hole: of the WAL of index {Text(next.Index)}, "
            + $"bytes {Text(from)} to {Text(next.Offset!.Value)} (hexadecimal) are in no file, but later ones are.",
            hint);

    internal static LegacyReplicaException Overlap(LegacyFileKey next, long end, string hint)
        => new(
            $"{next}: the file does not follow the one before, which reaches to byte {Text(end)} (hexadecimal) of the WAL.",
            hint);

    internal static LegacyReplicaException Damaged(string store, LegacyFileKey key, string what, string hint, Exception? cause = null)
        => new($"{store}: {key} is damaged: {what}.", hint, cause);

    internal static LegacyReplicaException WrongDatabase(string store, string what, string hint)
        => new($"{store}: the files lead to no database: {what}.", hint);

    private static string Text(uint index) => index.ToString("x8", CultureInfo.InvariantCulture);

    private static string Text(long offset) => offset.ToString("x8", CultureInfo.InvariantCulture);
}
