using Tidemark.Formats;
using Tidemark.Formats.Database;
using Tidemark.Formats.Ltx;
using Tidemark.Replicas.Catalog;
using Tidemark.Replicas.Files;
using Tidemark.Replicas.Restore;
using Tidemark.Replicas.Stores;

namespace Tidemark.Replicas.Follow;

/// <summary>Files of a replica, merged into one: of each page the newest version.</summary>
/// <remarks>What is staged here has passed every checksum of every file. Small batches are kept in memory, others in a file that has no
/// name.</remarks>
internal sealed class MergedBatch : IPageBatch
{
    private const long MemorySizeBytesMax = 4 << 20;
    private const int CopySizeBytes = 128 << 10;

    private readonly Stream _staged;
    private readonly LtxHeader _header;
    private readonly string _name;

    private MergedBatch(Stream staged, LtxHeader header, string name, int fileCount, long bytesRead, bool hasMore)
    {
        (_staged, _header, _name) = (staged, header, name);
        (FileCount, BytesRead, HasMore) = (fileCount, bytesRead, hasMore);
    }

    /// <inheritdoc/>
    public Txid Txid => _header.MaxTxid;

    /// <inheritdoc/>
    public Lineage Lineage => _header.Lineage;

    /// <inheritdoc/>
    public PageSize PageSize => _header.PageSize;

    /// <inheritdoc/>
    public uint Pages => _header.Commit;

    /// <inheritdoc/>
    public bool IsComplete => _header.IsSnapshot;

    /// <inheritdoc/>
    public bool IsContinuation { get; private init; }

    /// <inheritdoc/>
    public DatabaseChecksum? After => _header.Proof.After;

    /// <inheritdoc/>
    public int FileCount { get; }

    /// <inheritdoc/>
    public long BytesRead { get; }

    /// <summary>Whether files of the chain were left out, since their pages have another size.</summary>
    public bool HasMore { get; }

    /// <summary>Fetches, checks and merges files.</summary>
    /// <param name="store">The replica.</param>
    /// <param name="chain">The files, oldest first.</param>
    /// <param name="before">The state of the database.</param>
    /// <param name="files">Where a large batch goes.</param>
    /// <param name="cancellationToken">Ends the call; nothing is left.</param>
    /// <exception cref="FollowMismatchException">The files do not continue the state.</exception>
    /// <exception cref="LtxFormatException">A file is damaged.</exception>
    /// <exception cref="ReplicaStoreException">The store cannot be read.</exception>
    public static async ValueTask<MergedBatch> StageAsync(
        IReplicaStore store, IReadOnlyList<LtxFileInfo> chain, OutputState before, FollowFiles files, CancellationToken cancellationToken)
    {
        var inputs = new List<LtxMergeInput>();
        var (bytesRead, isContinuation) = (0L, false);
        try
        {
            foreach (var file in chain)
            {
                var content = await store.OpenAsync(file.Key, 0, null, cancellationToken).ConfigureAwait(false);
                var input = await LtxMergeInput.OpenAsync(
                    new CountingStream(content, count => bytesRead += count), PlannedFile.NameOf(store, file), cancellationToken).ConfigureAwait(false);
                inputs.Add(input);
                ThrowUnlessNamedRightly(input, file);
                if (inputs.Count == 1)
                {
                    isContinuation = Compare(input.Header, before);
                }
                else if (input.Header.PageSize != inputs[0].Header.PageSize)
                {
                    inputs.Remove(input);
                    await input.DisposeAsync().ConfigureAwait(false);
                    break;
                }
            }

            var isSmall = chain.Sum(file => file.SizeBytes) <= MemorySizeBytesMax;
            var staged = isSmall ? (Stream)new MemoryStream() : new FileContentStream(files.CreateNameless());
            try
            {
                var header = await MergeAsync(inputs, staged, files, cancellationToken).ConfigureAwait(false);
                return new MergedBatch(staged, header, store.Name, inputs.Count, bytesRead, inputs.Count < chain.Count)
                {
                    IsContinuation = isContinuation,
                };
            }
            catch
            {
                await staged.DisposeAsync().ConfigureAwait(false);
                throw;
            }
        }
        catch (LtxMergeException e)
        {
            throw new FollowMismatchException(FollowReason.OtherHistory, e.Message);
        }
        catch (Exception e) when (FileErrors.IsFileError(e))
        {
            throw FollowException.Failed("stage changes beside", files.Path, e);
        }
        finally
        {
            foreach (var input in inputs)
            {
                await input.DisposeAsync().ConfigureAwait(false);
            }
        }
    }

    /// <inheritdoc/>
    public async IAsyncEnumerable<LtxPage> ReadAsync(
        [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken)
    {
        _staged.Position = 0;
        using var reader = new LtxReader(_staged, _name);
        await reader.ReadHeaderAsync(cancellationToken).ConfigureAwait(false);
        await foreach (var page in reader.ReadPagesAsync(cancellationToken).ConfigureAwait(false))
        {
            yield return page;
        }
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => _staged.DisposeAsync();

    private static async ValueTask<LtxHeader> MergeAsync(
        List<LtxMergeInput> inputs, Stream staged, FollowFiles files, CancellationToken cancellationToken)
    {
        var merge = new LtxMergeStream(inputs, inputs[^1].Header.Lineage, () => new FileContentStream(files.CreateNameless()));
        await using (merge.ConfigureAwait(false))
        {
            await merge.CopyToAsync(staged, CopySizeBytes, cancellationToken).ConfigureAwait(false);
            return merge.Header;
        }
    }

    private static void ThrowUnlessNamedRightly(LtxMergeInput input, in LtxFileInfo file)
    {
        if (input.Header.MinTxid != file.MinTxid || input.Header.MaxTxid != file.MaxTxid)
        {
            throw new FollowMismatchException(
                FollowReason.OtherHistory, RestoreVerificationException.WrongTxids(input.Name, input.Header).Message);
        }
    }

    /// <summary>Checks what a header tells of the state that it follows; true when it is proven to be that of the database.</summary>
    private static bool Compare(in LtxHeader header, OutputState before)
    {
        if (before.Content.Pages > 0 && header.PageSize != before.Content.PageSize)
        {
            throw new FollowMismatchException(
                FollowReason.PageSizeChanged,
                $"The pages of the source have {header.PageSize} bytes instead of {before.Content.PageSize}.");
        }

        // A state is told by its checksum. Where that is the same, a new writer has taken the replica over and goes on.
        var follows = header.MinTxid.Value - 1 == before.Txid.Value;
        if (follows && header.Proof.Before is { } expected && before.SourceChecksum is { } known)
        {
            if (expected != known)
            {
                throw new FollowMismatchException(
                    FollowReason.OtherHistory,
                    $"The files after TXID {before.Txid} follow a database of checksum {expected}, and this one has {known}.");
            }

            return true;
        }

        if (before.Lineage != Lineage.None && header.Lineage != Lineage.None && header.Lineage != before.Lineage
            && (header.Proof.After is null || before.SourceChecksum is null))
        {
            throw new FollowMismatchException(
                FollowReason.OtherHistory,
                $"The files after TXID {before.Txid} were written by {header.Lineage}, and this database comes from {before.Lineage}.");
        }

        return false;
    }
}
