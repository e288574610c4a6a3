using System.Buffers;
using Tidemark.Formats;
using Tidemark.Formats.Database;
using Tidemark.Formats.Ltx;
using Tidemark.Replicas.Catalog;
using Tidemark.Replicas.Restore;
using Tidemark.Replicas.Stores;
using Tidemark.Replication.Capture;

namespace Tidemark.Replication.Upload;

/// <summary>Takes the state that the next capture is compared with from a destination, where the spool does not know it (any more). Then
/// only pages that differ are written and shipped.</summary>
/// <remarks>
/// Reads the destination's newest state once, as a restore does, and keeps eight bytes a page. Captures of the spool that the destination
/// does not have yet are added. Nothing changes before everything is read and checked.
/// </remarks>
internal static class BaseStep
{
    /// <summary>Reads the base from one destination.</summary>
    /// <param name="database">The database; <see cref="CaptureStep.FindWantOfBase"/> said that it needs one.</param>
    /// <param name="pageSize">What <see cref="CaptureStep.FindWantOfBase"/> returned.</param>
    /// <param name="destination">The destination. It may ship meanwhile.</param>
    /// <param name="progress">Is told how far this has come, about once per megabyte. Null for none.</param>
    /// <param name="cancellationToken">Ends the reading.</param>
    /// <returns>The state that was read, or null when what the destination holds is not what the next capture follows.</returns>
    /// <remarks>Where the spool does not know the history of the destination, it is also found out whether it is one of this
    /// database.</remarks>
    /// <exception cref="TidemarkException">The destination cannot be read, or what it holds is damaged.</exception>
    /// <exception cref="IOException">The spool cannot be read or written.</exception>
    public static async ValueTask<ReplicaState?> RunAsync(
        CapturedDatabase database,
        PageSize pageSize,
        UploadStep destination,
        IProgress<RestoreProgress>? progress,
        CancellationToken cancellationToken)
    {
        var files = await ReplicaListing.ReadAllAsync(destination.Store, cancellationToken).ConfigureAwait(false);
        var head = await ReplicaHead.ReadAsync(destination.Store, files, cancellationToken).ConfigureAwait(false);
        if (head is null)
        {
            return null;
        }

        if (destination.AwaitsComparison && head.Lineage != Lineage.None && database.Spool.HasAncestor(head.Lineage))
        {
            destination.AcceptTakeover(); // Another destination of the same history was compared.
        }

        if (destination.AwaitsComparison && head.PageSize is { } there && there != pageSize)
        {
            destination.RefuseTakeover(head, database.Path);
            return null;
        }

        var leadsToBase = head.PageSize == pageSize && head.IsRestorable && LeadsToBase(database, head);
        if (!leadsToBase && !destination.AwaitsComparison)
        {
            return null;
        }

        using var table = database.Spool.CreatePageChecksums(pageSize);
        ReplicaState state;
        var firstPage = new byte[pageSize.Bytes];
        try
        {
            state = await new PageChecksumStep(destination.Store)
                .RunAsync(
                    head.Txid,
                    (first, pages, checksums) =>
                    {
                        if (first == 1)
                        {
                            pages[..firstPage.Length].CopyTo(firstPage);
                        }

                        Write(table, first, checksums);
                    },
                    database.Settings.Parallelism,
                    progress,
                    cancellationToken)
                .ConfigureAwait(false);
        }
        catch (Exception e) when (e is LtxFormatException or RestoreVerificationException)
        {
            destination.NoteDamage(head.Txid);
            throw;
        }

        if (destination.AwaitsComparison)
        {
            if (!CommonGround.Exists(database, state, table, firstPage))
            {
                destination.RefuseTakeover(head, database.Path);
                return null;
            }

            destination.AcceptTakeover();
        }

        if (!leadsToBase || AddCaptures(database, head, state, table) is not { } reached)
        {
            return null;
        }

        database.Adopt(reached, table);
        destination.NoteState(state);
        return state;
    }

    // What follows from a file of another writer without a proof could not be told from another history after the next start.
    private static bool LeadsToBase(CapturedDatabase database, ReplicaHead head)
    {
        if (head.Checksum is null && head.Lineage != Lineage.None && head.Lineage != database.Lineage)
        {
            return false;
        }

        return database.Position is not { } position || head.Txid > position.Txid
            ? head.Txid.Next() == database.NextTxid
            : position.Txid.Next() == database.NextTxid && position.PageSize == head.PageSize;
    }

    /// <summary>Leads from the state of a destination to the position.</summary>
    /// <remarks>Each capture has to continue the one before, not only the last one to lead to the position: captures of another history
    /// lead there too once they have written every page, but must not be shipped after what the destination holds.</remarks>
    /// <returns>Null when the captures in the spool are not known to continue that state.</returns>
    private static ReplicaState? AddCaptures(CapturedDatabase database, ReplicaHead head, ReplicaState state, PageChecksums table)
    {
        if (database.Position is not { } position || state.Txid > position.Txid)
        {
            return state;
        }

        var (spool, pageCount) = (database.Spool, state.PageCount);
        DatabaseChecksum? before = state.Checksum;
        for (var txid = state.Txid.Next(); txid <= position.Txid; txid = txid.Next())
        {
            var name = new LtxFileName(txid, txid);
            if (!spool.Contains(new LtxFileKey(Level.Captured, name)))
            {
                return null;
            }

            var pages = 0L;
            var header = SpoolFile.Read(spool, name, (numbers, _, checksums) =>
            {
                table.Apply(numbers, checksums);
                pages += numbers.Length;
            });
            var isImage = pages == header.PageSize.PagesOfImage(header.Commit);
            if (!isImage && (before is null || header.Proof.Before != before) && position.Checksum is not null)
            {
                return null;
            }

            (pageCount, before) = (header.Commit, header.Proof.After);
        }

        var reached = state with
        {
            Txid = position.Txid,
            PageCount = pageCount,
            Checksum = table.Toggle(DatabaseChecksum.Empty, 1, pageCount),
        };
        var isSameHistory = position.Checksum is { } expected
            ? reached.Checksum == expected
            : HoldsSameFile(spool, head);
        return isSameHistory && pageCount == position.PageCount ? reached : null;
    }

    // A spool of the original proves nothing by checksums; but where it holds the file that lies at the destination, both have one history.
    private static bool HoldsSameFile(Spool spool, ReplicaHead head)
        => head.Key.Level == Level.Captured
            && spool.Contains(head.Key)
            && SpoolFile.Read(spool, head.Key.Name, static (_, _, _) => { }) == head.Header;

    private static void Write(PageChecksums table, uint firstPage, ReadOnlySpan<ulong> checksums)
    {
        var buffer = ArrayPool<ulong>.Shared.Rent(checksums.Length);
        checksums.CopyTo(buffer);
        table.Write(firstPage, buffer.AsSpan(0, checksums.Length));
        ArrayPool<ulong>.Shared.Return(buffer);
    }
}
