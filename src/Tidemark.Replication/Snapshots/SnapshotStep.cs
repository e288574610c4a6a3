using Tidemark.Formats.Ltx;
using Tidemark.Replication.Capture;

namespace Tidemark.Replication.Snapshots;

/// <summary>Writes a snapshot of the database to the spool, for a destination whose history the spool cannot continue any more.</summary>
internal static class SnapshotStep
{
    /// <summary>Captures everything, and writes all pages at that point as one level-9 file.</summary>
    /// <returns>The snapshot, or null when there is no database or it does not continue the last capture; then a capture comes
    /// first.</returns>
    /// <exception cref="WalMismatchException">The pages are not those that were captured; the next capture compares them.</exception>
    public static LtxFileName? Run(CapturedDatabase database)
    {
        if (!database.TryOpen() || database.Position is null || !database.GuardIsUninterrupted)
        {
            return null;
        }

        var live = database.Live!;
        try
        {
            var snapshot = live.BeginSecondInsideWal().End!.Value;
            if (!CaptureStep.TryRunTo(database, live.Second))
            {
                return null;
            }

            live.HandOver();
            using var wal = WalFile.Open(database.Files, live.WalPath, snapshot);
            return SnapshotFile.Write(database, wal, snapshot, database.Position.Txid, database.Position.Checksum);
        }
        catch (WalMismatchException)
        {
            database.Distrust();
            throw;
        }
        finally
        {
            database.Rest();
        }
    }
}
