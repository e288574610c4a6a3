using Tidemark.Formats;
using Tidemark.Replicas.Catalog;

namespace Tidemark.Replicas.Leases;

/// <summary>A replica has another writer, or the history of one. Nothing of it was overwritten, and nothing more is written.</summary>
public sealed class ReplicaConflictException : TidemarkException
{
    private const string StopOne
        = "Only one process may replicate to a place. Stop the other one for good, or give one of them another URL; then start again.";

    private ReplicaConflictException(string message, string hint)
        : base(message, hint)
    {
    }

    /// <summary>The newest file belongs to a history that the spool does not continue.</summary>
    public static ReplicaConflictException OtherHistory(string store, Txid txid, Lineage found, Lineage own, string spoolPath)
        => new(
            $"{store}: the newest file, TXID {txid}, was written by another writer (lineage {found}) than this one ({own}).",
            "Make sure that no other process replicates to this place. To go on from what is there, "
            + $"stop Tidemark and delete the folder {spoolPath}, or run it once with -once -take-over; or use another URL.");

    /// <summary>The newest state there has nothing in common with the database, and no spool says that it is its history.</summary>
    public static ReplicaConflictException OtherDatabase(string store, Txid txid, Lineage found, string databasePath)
        => new(
            $"{store}: what lies there up to TXID {txid} (lineage {found}) is another database than {databasePath}: its pages have nothing in "
            + "common, and the spool does not know of it.",
            "Use another URL, unless the database was vacuumed or loaded anew and its spool was lost: then run it once with -once -take-over.");

    /// <summary>The claim says that another run writes here.</summary>
    public static ReplicaConflictException OtherWriter(string store, WriterClaim own, WriterClaim other)
        => new($"{store}: another process replicates to this place too: {other}. {Both(own, other)}", StopOne);

    /// <summary>A file that was to be written is there already, with another content.</summary>
    public static ReplicaConflictException NameIsTaken(string store, LtxFileKey key, WriterClaim own, WriterClaim? other)
        => new(
            $"{store}: another process replicates to this place too: {key} is there already, and not what this one was to write"
            + (other is null ? ". It was not overwritten." : $". It was not overwritten. The other one: {other}. {Both(own, other)}"),
            StopOne);

    /// <summary>While a full image was written, files appeared that another writer made.</summary>
    public static ReplicaConflictException FilesAppeared(string store, LtxFileKey key, WriterClaim own, WriterClaim? other)
        => new(
            $"{store}: another process replicates to this place too: {key} has appeared, which this one did not write"
            + (other is null ? "." : $". The other one: {other}. {Both(own, other)}"),
            StopOne);

    private static string Both(WriterClaim own, WriterClaim other) => own.Lineage == other.Lineage
        ? "It works with a copy of the same spool. Both stop, so that no history is mixed."
        : "Both stop, so that no history is mixed.";
}
