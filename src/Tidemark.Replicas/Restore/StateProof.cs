using Tidemark.Formats;
using Tidemark.Formats.Database;
using Tidemark.Formats.Ltx;
using Tidemark.Replicas.Catalog;
using Tidemark.Replicas.Stores;

namespace Tidemark.Replicas.Restore;

/// <summary>What the files of a replica say a state is, by the checksum of the whole database that they carry. A TXID says how often a
/// database was captured, and two that have nothing in common can have the same.</summary>
/// <param name="store">The replica.</param>
/// <param name="files">What it holds, as listed.</param>
public sealed class StateProof(IReplicaStore store, IReadOnlyList<LtxFileInfo> files)
{
    /// <summary>How many states are compared at most.</summary>
    private const int StatesMax = 16;

    /// <summary>Whether another replica tells of the same history, by the newest state up to a TXID of which both tell.</summary>
    /// <remarks>Headers are compared first, which costs little. Where they differ, that may be damage, so each is believed only if its file is
    /// whole.</remarks>
    /// <returns>Whether they agree, and on which state; none where nothing tells.</returns>
    /// <exception cref="ReplicaStoreException">A store cannot be read.</exception>
    public async ValueTask<(HistoryAgreement Agreement, Txid Txid)> CompareAsync(
        StateProof other, Txid txid, CancellationToken cancellationToken)
    {
        foreach (var common in Ends.Intersect(other.Ends).Where(end => end <= txid).OrderDescending().Take(StatesMax))
        {
            var agreement = await CompareStateAsync(other, common, cancellationToken).ConfigureAwait(false);
            if (agreement != HistoryAgreement.Unknown)
            {
                return (agreement, common);
            }
        }

        return (HistoryAgreement.Unknown, Txid.None);
    }

    private IEnumerable<Txid> Ends => files.Select(file => file.MaxTxid);

    private async ValueTask<HistoryAgreement> CompareStateAsync(StateProof other, Txid txid, CancellationToken cancellationToken)
    {
        var agreement = Compare(
            await ReadAsync(txid, ReadHeaderAsync, cancellationToken).ConfigureAwait(false),
            await other.ReadAsync(txid, other.ReadHeaderAsync, cancellationToken).ConfigureAwait(false));
        return agreement != HistoryAgreement.Different
            ? agreement
            : Compare(
                await ReadAsync(txid, CheckAsync, cancellationToken).ConfigureAwait(false),
                await other.ReadAsync(txid, other.CheckAsync, cancellationToken).ConfigureAwait(false));
    }

    private static HistoryAgreement Compare(DatabaseChecksum? one, DatabaseChecksum? other)
        => one is null || other is null ? HistoryAgreement.Unknown
            : one == other ? HistoryAgreement.Same
            : HistoryAgreement.Different;

    /// <summary>The checksum after the TXID, from the first file that has one: those of low levels are small.</summary>
    private async ValueTask<DatabaseChecksum?> ReadAsync(
        Txid txid, Func<LtxFileInfo, CancellationToken, ValueTask<LtxHeader>> read, CancellationToken cancellationToken)
    {
        foreach (var file in files.Where(file => file.MaxTxid == txid).OrderBy(file => file.Level).ThenBy(file => file.SizeBytes))
        {
            try
            {
                if ((await read(file, cancellationToken).ConfigureAwait(false)).Proof.After is { } checksum)
                {
                    return checksum;
                }
            }
            catch (TidemarkException e) when (e is LtxFormatException or RestoreVerificationException or ReplicaFileNotFoundException)
            {
                // It is damaged, or compaction has removed it.
            }
        }

        return null;
    }

    private async ValueTask<LtxHeader> ReadHeaderAsync(LtxFileInfo file, CancellationToken cancellationToken)
    {
        var content = await store.OpenAsync(file.Key, 0, LtxHeader.Size, cancellationToken).ConfigureAwait(false);
        await using (content.ConfigureAwait(false))
        {
            using var reader = new LtxReader(content, PlannedFile.NameOf(store, file));
            return await reader.ReadHeaderAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    private ValueTask<LtxHeader> CheckAsync(LtxFileInfo file, CancellationToken cancellationToken)
        => FileCheck.RunAsync(store, file, _ => { }, cancellationToken);
}
