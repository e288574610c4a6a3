using Tidemark.Formats;
using Tidemark.Formats.Ltx;
using Tidemark.Replication.Capture;

namespace Tidemark.Replication.Images;

/// <summary>Writes an image of the whole database to the spool, for a destination whose history the spool cannot continue any more, or
/// whose files have a hole.</summary>
internal static class FullImageStep
{
    /// <summary>Captures everything, and writes all pages at that point as one file.</summary>
    /// <param name="database">The database.</param>
    /// <param name="from">The first TXID that the image stands for: 1, or the one after the last that a destination holds.</param>
    /// <returns>The image, which ends at the newest capture. Null when there is no database, or it does not continue the last capture, so
    /// that a capture comes first.</returns>
    /// <exception cref="WalMismatchException">The pages are not those that were captured; the next capture compares them.</exception>
    public static LtxFileName? Run(CapturedDatabase database, Txid from)
    {
        if (!database.TryOpen() || database.Position is null || !database.GuardIsUninterrupted)
        {
            return null;
        }

        var live = database.Live!;
        try
        {
            var snapshot = live.BeginSecondInsideWal().End!.Value;
            if (!CaptureStep.TryRunTo(database, live.Second) || from > database.Position.Txid)
            {
                return null;
            }

            live.HandOver(isInsideWal: true);
            using var wal = WalFile.Open(database.Files, live.WalPath, snapshot);
            var name = new LtxFileName(from, database.Position.Txid);
            FullImageFile.Write(database, wal, snapshot, name, database.Position.Checksum);
            return name;
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
