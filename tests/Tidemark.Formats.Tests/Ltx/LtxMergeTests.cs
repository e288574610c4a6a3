using Tidemark.Formats.Database;
using Tidemark.Formats.Ltx;
using Tidemark.Formats.Wal;

namespace Tidemark.Formats.Tests.Ltx;

public sealed class LtxMergeTests
{
    private static readonly Lineage s_lineage = new(42);

    [Fact]
    public void Of_each_page_the_newest_frame_is_copied_as_it_stands()
        => LtxMergeSample.Gen.Sample(
            sample =>
            {
                var file = sample.MergeAsync(s_lineage).GetAwaiter().GetResult();
                var (summary, pages) = LtxSample.Read(file);
                Assert.Equal(sample.Frames.Keys, pages.Keys);
                Assert.Equal(sample.Frames.Values.SelectMany(frame => frame), FramesOf(file, sample.Frames));
                Assert.Equal(ExpectedHeader(sample), summary.Header);
            },
            iter: 150);

    [Fact]
    public void Merging_in_two_turns_gives_the_same_file()
        => LtxMergeSample.Gen.Where(sample => sample.Files.Count > 1).Sample(
            sample =>
            {
                var half = sample.Files.Count / 2;
                byte[][] halves = [Merge(sample.Files.Take(half)), Merge(sample.Files.Skip(half))];
                Assert.Equal(Merge(sample.Files), Merge(halves));
            },
            iter: 100);

    [Fact]
    public async Task The_file_comes_in_pieces_of_any_size()
    {
        var sample = LtxMergeSample.Make(new Random(3), 65536, isSnapshot: true, files: 8, isProven: true);
        var whole = await sample.MergeAsync(s_lineage);
        foreach (var size in new[] { 1, 1000, 128 * 1024, 4 << 20 })
        {
            await using var merge = new LtxMergeStream(await sample.OpenAsync(), s_lineage);
            var (read, buffer) = (new MemoryStream(), new byte[size]);
            for (int count; (count = await merge.ReadAsync(buffer)) > 0;)
            {
                read.Write(buffer, 0, count);
            }

            Assert.Equal(whole, read.ToArray());
            Assert.Equal(0, await merge.ReadAsync(buffer));
        }
    }

    [Fact]
    public async Task Files_of_no_pages_become_one_of_no_pages()
    {
        byte[][] files =
        [
            LtxForge.Of(LtxSample.HeaderOf(512, 9, 5, 5)).Build(),
            LtxForge.Of(LtxSample.HeaderOf(512, 9, 6, 8)).Build(),
        ];
        var (summary, pages) = LtxSample.Read(Merge(files));
        Assert.Empty(pages);
        Assert.Equal((9u, 5UL, 8UL), (summary.Header.Commit, summary.Header.MinTxid.Value, summary.Header.MaxTxid.Value));
    }

    [Fact]
    public async Task The_lock_page_is_in_no_merged_snapshot()
    {
        const int PageSize = 65536;
        const uint LockPage = 16385;
        var image = new MemoryStream();
        using (var writer = new LtxWriter(image, LtxSample.HeaderOf(PageSize, LockPage + 2, 1, 1), parallelism: 2))
        {
            var pages = Enumerable.Range(1, (int)LockPage + 2).Select(page => (uint)page).Where(page => page != LockPage);
            foreach (var batch in pages.Chunk(128))
            {
                writer.WritePages(batch, new byte[batch.Length * PageSize]);
            }

            writer.Complete();
        }

        var changed = LtxForge.Page(LockPage + 1, PageSize);
        var increment = LtxForge.Of(LtxSample.HeaderOf(PageSize, LockPage + 1, 2, 2)).WithBlock(LockPage + 1, changed).Build();
        var merged = await MergeAsync([image.ToArray(), increment]);
        var reader = await LtxRandomReader.OpenAsync(new MemorySource(merged), "merged", CancellationToken.None);
        Assert.Equal([LockPage - 1, LockPage + 1], reader.Index.PageNumbers[^2..].ToArray());
        Assert.Equal((int)LockPage, reader.Index.Count);
        var last = new byte[PageSize];
        Assert.True(await reader.TryReadPageAsync(LockPage + 1, last, CancellationToken.None));
        Assert.Equal(changed, last);
    }

    [Fact]
    public async Task Neighbours_with_other_proofs_are_not_one_history()
    {
        var older = Proven(5, 5, null, Checksum(1));
        var failure = await Assert.ThrowsAsync<LtxMergeException>(() => MergeAsync([older, Proven(6, 6, Checksum(2), Checksum(3))]));
        Assert.StartsWith("0.ltx and 1.ltx are not one history", failure.Message, StringComparison.Ordinal);
        Assert.NotNull(failure.Hint);
    }

    [Fact]
    public async Task Proofs_are_compared_only_where_both_speak_of_one_state()
    {
        var merged = await MergeAsync([Proven(5, 6, Checksum(9), Checksum(1)), Proven(6, 7, Checksum(2), Checksum(3))]);
        Assert.Equal(new LtxProof(Checksum(9), Checksum(3)), LtxSample.Read(merged).Summary.Header.Proof);

        merged = await MergeAsync([Proven(5, 5, null, Checksum(1)), Proven(6, 6, null, Checksum(3)), Proven(7, 7, Checksum(3), null)]);
        Assert.Equal(LtxProof.None, LtxSample.Read(merged).Summary.Header.Proof);
    }

    [Fact]
    public async Task A_snapshot_whose_pages_are_not_those_of_its_proof_never_ends()
    {
        var sample = LtxMergeSample.Make(new Random(5), 512, isSnapshot: true, files: 3, isProven: false);
        byte[][] files = [.. sample.Files.SkipLast(1), WithProof(sample.Files[^1], new LtxProof(null, Checksum(1)))];
        var failure = await Assert.ThrowsAsync<LtxMergeException>(() => MergeAsync(files));
        Assert.Contains("2.ltx: the pages up to this file have the checksum", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_snapshot_that_would_lack_a_page_never_ends()
    {
        byte[][] files =
        [
            LtxForge.Snapshot().Build(),
            LtxForge.Of(LtxSample.HeaderOf(512, commit: 6, minTxid: 6, maxTxid: 6)).WithPages(4, 6).Build(),
        ];
        var failure = await Assert.ThrowsAsync<LtxMergeException>(() => MergeAsync(files));
        Assert.StartsWith("1.ltx: page 5 of 6 is in none of the files", failure.Message, StringComparison.Ordinal);
        files[1] = LtxForge.Of(LtxSample.HeaderOf(512, commit: 6, minTxid: 6, maxTxid: 6)).WithPages(4, 5).Build();
        failure = await Assert.ThrowsAsync<LtxMergeException>(() => MergeAsync(files));
        Assert.StartsWith("1.ltx: page 6 of 6 is in none of the files", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Nothing_left_of_a_database_is_said_in_the_standard_fields()
    {
        var empty = LtxForge.Of(LtxSample.HeaderOf(512, 0, 6, 6) with
        {
            TracksChecksums = true,
            PreApplyChecksum = Checksum(4).Value,
        }).With(forge => forge.PostApplyChecksum = DatabaseChecksum.Empty.Value).Build();

        var (summary, pages) = LtxSample.Read(await MergeAsync([LtxForge.Snapshot().Build(), empty]));
        Assert.Empty(pages);
        Assert.Equal((0u, DatabaseChecksum.Empty.Value), (summary.Header.Commit, summary.Trailer.PostApplyChecksum));

        (summary, _) = LtxSample.Read(await MergeAsync([Proven(5, 5, Checksum(3), null), empty]));
        Assert.Equal(Checksum(3).Value, summary.Header.PreApplyChecksum);

        var failure = await Assert.ThrowsAsync<LtxMergeException>(() => MergeAsync([Proven(5, 5, null, null), empty]));
        Assert.StartsWith("0.ltx: a database without pages", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Files_that_do_not_follow_each_other_are_a_mistake_of_the_caller()
    {
        var file = Proven(5, 6, null, null);
        await Assert.ThrowsAsync<ArgumentException>(() => MergeAsync([]));
        await Assert.ThrowsAsync<ArgumentException>(() => MergeAsync([file, Proven(8, 8, null, null)]));
        await Assert.ThrowsAsync<ArgumentException>(() => MergeAsync([file, Proven(5, 6, null, null)]));
        await Assert.ThrowsAsync<ArgumentException>(() => MergeAsync([file, LtxForge.Of(LtxSample.HeaderOf(1024, 7, 7, 7)).Build()]));
    }

    [Fact]
    public async Task Every_file_is_closed_when_it_is_proven_and_at_the_end_in_any_case()
    {
        var sample = LtxMergeSample.Make(new Random(6), 4096, isSnapshot: true, files: 5, isProven: true);
        var streams = new List<Stream>();
        Stream Open(byte[] file, int index)
        {
            streams.Add(new MemoryStream(file));
            return streams[^1];
        }

        await using (var merge = new LtxMergeStream(await sample.OpenAsync(Open), s_lineage))
        {
            await LtxMergeSample.ReadAsync(merge);
            Assert.DoesNotContain(streams, stream => stream.CanRead);
        }

        streams.Clear();
        await using (var merge = new LtxMergeStream(await sample.OpenAsync(Open), s_lineage))
        {
            Assert.NotEqual(0, await merge.ReadAsync(new byte[10]));
        }

        Assert.DoesNotContain(streams, stream => stream.CanRead);
    }

    [Fact]
    public async Task A_failed_merge_fails_again_and_tells_why()
    {
        var sample = LtxMergeSample.Make(new Random(8), 512, isSnapshot: false, files: 3, isProven: true);
        var damaged = sample.Files[1].ToArray();
        damaged[^1] ^= 1;
        await using var merge = new LtxMergeStream(
            await sample.OpenAsync((file, index) => new MemoryStream(index == 1 ? damaged : file)), s_lineage);
        var first = await Assert.ThrowsAsync<LtxFormatException>(() => LtxMergeSample.ReadAsync(merge));
        var second = await Assert.ThrowsAsync<LtxFormatException>(() => LtxMergeSample.ReadAsync(merge));
        Assert.Equal(("1.ltx", LtxFault.FileChecksumMismatch), (first.File, first.Fault));
        Assert.Same(first, second);
        Assert.Same(first, merge.Failure);
    }

    [Fact]
    public async Task A_cancelled_read_ends_the_merge()
    {
        var sample = LtxMergeSample.Make(new Random(9), 4096, isSnapshot: true, files: 4, isProven: true);
        await using var merge = new LtxMergeStream(
            await sample.OpenAsync((file, index) => index == 0 ? new HangingStream(file) : new MemoryStream(file)), s_lineage);
        using var cancellation = new CancellationTokenSource();
        var read = merge.ReadAsync(new byte[100], cancellation.Token);
        await cancellation.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => read.AsTask());
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => LtxMergeSample.ReadAsync(merge));
    }

    [Fact]
    public async Task Damage_that_looks_like_another_fault_is_told_as_damage()
    {
        byte[][] files =
        [
            LtxForge.Snapshot().Build(),
            LtxForge.Of(LtxSample.HeaderOf(512, commit: 6, minTxid: 6, maxTxid: 6)).WithPages(4, 5, 6).Build(),
            Proven(7, 7, Checksum(1), Checksum(2)),
            Proven(8, 8, Checksum(2), null),
        ];
        var proof = files[2].ToArray();
        proof[LtxHeader.Size - 1] ^= 1; // Now it seems to lead to another state than the next file continues.
        await AssertDamagedAsync([files[0], files[1], proof, files[3]], "2.ltx");

        var second = LtxForge.Of(LtxSample.HeaderOf(512, commit: 6, minTxid: 6, maxTxid: 6)).WithPages(4, 6);
        var gap = second.WithPages().Build();
        gap[(int)second.FrameOffsets[0] + 3] ^= 1; // Page 5: now page 4 seems to be in no file.
        await AssertDamagedAsync([files[0], gap], "1.ltx");
    }

    [Fact]
    public async Task A_header_that_is_none_closes_the_stream()
    {
        var stream = new MemoryStream(new byte[200]);
        var failure = await Assert.ThrowsAsync<LtxFormatException>(
            () => LtxMergeInput.OpenAsync(stream, "x.ltx", CancellationToken.None).AsTask());
        Assert.Equal(("x.ltx", LtxFault.NotAnLtxFile), (failure.File, failure.Fault));
        Assert.False(stream.CanRead);
    }

    [Fact]
    public async Task A_large_index_goes_over_a_temporary_stream()
    {
        const uint Pages = 600_000;
        var image = new MemoryStream();
        using (var writer = new LtxWriter(image, LtxSample.HeaderOf(512, Pages, 1, 1)))
        {
            writer.WritePages(Enumerable.Range(1, (int)Pages).Select(page => (uint)page).ToArray(), new byte[Pages * 512L]);
            writer.Complete();
        }

        var overflow = new MemoryStream();
        byte[][] files = [image.ToArray(), LtxForge.Of(LtxSample.HeaderOf(512, Pages, 2, 2)).WithPages(7, 70_000).Build()];
        await using var merge = new LtxMergeStream(await OpenAsync(files), s_lineage, () => overflow);
        var merged = await LtxMergeSample.ReadAsync(merge);
        var reader = await LtxRandomReader.OpenAsync(new MemorySource(merged), "merged", CancellationToken.None);
        var page = new byte[512];
        Assert.Equal((int)Pages, reader.Index.Count);
        Assert.True(await reader.TryReadPageAsync(70_000, page, CancellationToken.None));
        Assert.Equal(LtxForge.Page(70_000), page);
        await merge.DisposeAsync();
        Assert.False(overflow.CanRead, "It was used and closed.");
    }

    private static LtxHeader ExpectedHeader(LtxMergeSample sample) => sample.Headers[^1] with
    {
        MinTxid = sample.Headers[0].MinTxid,
        WalOffset = 0,
        WalSize = 0,
        WalSalts = default(WalSalts),
        Lineage = s_lineage,
        Proof = new LtxProof(sample.Headers[0].Proof.Before, sample.Headers[^1].Proof.After),
    };

    private static byte[] FramesOf(byte[] file, SortedDictionary<uint, byte[]> frames)
        => file[LtxHeader.Size..(LtxHeader.Size + frames.Values.Sum(frame => frame.Length))];

    private static DatabaseChecksum Checksum(ulong value) => new(DatabaseChecksum.Flag | value);

    private static byte[] Proven(ulong min, ulong max, DatabaseChecksum? before, DatabaseChecksum? after)
        => LtxForge.Of(LtxSample.HeaderOf(512, 7, min, max) with { Proof = new LtxProof(before, after) }).WithPages(2).Build();

    private static byte[] WithProof(byte[] file, LtxProof proof)
    {
        var (summary, pages) = LtxSample.Read(file);
        var forge = LtxForge.Of(summary.Header with { Proof = proof });
        foreach (var (page, content) in pages)
        {
            forge.WithBlock(page, content);
        }

        return forge.Build();
    }

    private static byte[] Merge(IEnumerable<byte[]> files) => MergeAsync([.. files]).GetAwaiter().GetResult();

    private static async Task AssertDamagedAsync(byte[][] files, string name)
        => Assert.Equal(name, (await Assert.ThrowsAsync<LtxFormatException>(() => MergeAsync(files))).File);

    private static async Task<byte[]> MergeAsync(byte[][] files)
    {
        await using var merge = new LtxMergeStream(await OpenAsync(files), s_lineage);
        return await LtxMergeSample.ReadAsync(merge);
    }

    private static async Task<IReadOnlyList<LtxMergeInput>> OpenAsync(byte[][] files)
    {
        var inputs = new List<LtxMergeInput>();
        foreach (var file in files)
        {
            inputs.Add(await LtxMergeInput.OpenAsync(new MemoryStream(file), $"{inputs.Count}.ltx", CancellationToken.None));
        }

        return inputs;
    }

    /// <summary>Gives the header, and nothing more before it is cancelled.</summary>
    private sealed class HangingStream(byte[] file) : MemoryStream(file)
    {
        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            if (Position >= LtxHeader.Size)
            {
                await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, cancellationToken);
            }

            return Read(buffer.Span[..Math.Min(buffer.Length, LtxHeader.Size)]);
        }
    }
}
