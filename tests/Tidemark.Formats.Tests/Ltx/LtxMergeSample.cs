using Tidemark.Formats.Database;
using Tidemark.Formats.Ltx;

namespace Tidemark.Formats.Tests.Ltx;

/// <summary>Files that follow each other in one made-up history, and what they are when they are merged the slow and obvious way.</summary>
internal sealed record LtxMergeSample(IReadOnlyList<LtxHeader> Headers, IReadOnlyList<byte[]> Files, SortedDictionary<uint, byte[]> Frames)
{
    private static readonly int[] s_pageSizes = [512, 1024, 2048, 4096, 8192, 16384, 32768, 65536];

    /// <summary>Random histories: every page size, from the first TXID or later, growing and shrinking, touching and overlapping files, LZ4
    /// blocks and frames mixed, with and without proof.</summary>
    public static Gen<LtxMergeSample> Gen { get; } = CsCheck.Gen.Int.Select(seed => Make(new Random(seed)));

    public static LtxMergeSample Make(Random random)
    {
        var pageSize = s_pageSizes[random.Next(s_pageSizes.Length)];
        return Make(random, pageSize, isSnapshot: random.Next(2) == 0, files: random.Next(1, 12), isProven: random.Next(3) > 0);
    }

    /// <summary>A history of small databases.</summary>
    public static LtxMergeSample Make(Random random, int pageSize, bool isSnapshot, int files, bool isProven)
    {
        var pagesMax = Math.Min(60, 400_000 / pageSize);
        var pages = new SortedDictionary<uint, byte[]>(); // The database, as far as the files tell of it.
        var frames = new SortedDictionary<uint, byte[]>();
        var (headers, contents) = (new List<LtxHeader>(), new List<byte[]>());
        var (commit, last) = (0u, isSnapshot ? 0UL : (ulong)random.Next(1, 1000));
        DatabaseChecksum? checksum = isSnapshot ? null : ChecksumOf(pages);
        for (var i = 0; i < files; i++)
        {
            var newCommit = (uint)random.Next(1, pagesMax + 1);
            var min = last + 1 - (i > 0 && !(isSnapshot && i == 1) ? (ulong)random.Next(2) : 0);
            var max = last + 1 + (ulong)random.Next(3);
            var changed = new SortedSet<uint>(Enumerable.Range(0, random.Next(8)).Select(_ => (uint)random.Next(1, (int)newCommit + 1)));
            for (var page = commit + 1; page <= newCommit && (isSnapshot || i > 0); page++)
            {
                changed.Add(page);
            }

            foreach (var page in pages.Keys.Where(page => page > newCommit).ToArray())
            {
                pages.Remove(page);
                frames.Remove(page);
            }

            var forged = new List<(uint Page, bool IsBlock, byte[] Content)>();
            foreach (var page in changed)
            {
                var content = new byte[pageSize];
                random.NextBytes(content.AsSpan(0, random.Next(pageSize + 1)));
                forged.Add((page, random.Next(3) > 0, content));
                pages[page] = content;
            }

            var after = ChecksumOf(pages);
            var header = LtxSample.HeaderOf(pageSize, newCommit, min, max) with
            {
                TimestampMs = 1000 + i,
                WalOffset = 32,
                WalSize = 100,
                Lineage = new Lineage(7),
                Proof = isProven ? new LtxProof(min == last + 1 && min > 1 ? checksum : null, after) : LtxProof.None,
            };
            contents.Add(Forge(header, forged, frames));
            headers.Add(header);
            (commit, last, checksum) = (newCommit, max, after);
        }

        return new LtxMergeSample(headers, contents, frames);
    }

    /// <summary>Merges the files.</summary>
    public async Task<byte[]> MergeAsync(Lineage lineage = default, Func<byte[], int, Stream>? open = null)
    {
        await using var merge = new LtxMergeStream(await OpenAsync(open), lineage);
        return await ReadAsync(merge);
    }

    /// <summary>Opens the files.</summary>
    public async Task<IReadOnlyList<LtxMergeInput>> OpenAsync(Func<byte[], int, Stream>? open = null)
    {
        var inputs = new List<LtxMergeInput>();
        for (var i = 0; i < Files.Count; i++)
        {
            var content = open?.Invoke(Files[i], i) ?? new MemoryStream(Files[i]);
            inputs.Add(await LtxMergeInput.OpenAsync(content, $"{i}.ltx", CancellationToken.None));
        }

        return inputs;
    }

    /// <summary>Reads a stream to its end.</summary>
    public static async Task<byte[]> ReadAsync(Stream stream)
    {
        var whole = new MemoryStream();
        await stream.CopyToAsync(whole);
        return whole.ToArray();
    }

    private static DatabaseChecksum ChecksumOf(SortedDictionary<uint, byte[]> pages)
        => pages.Aggregate(DatabaseChecksum.Empty, (sum, page) => sum.Toggle(DatabaseChecksum.OfPage(page.Key, page.Value)));

    private static byte[] Forge(
        LtxHeader header, List<(uint Page, bool IsBlock, byte[] Content)> pages, SortedDictionary<uint, byte[]> frames)
    {
        var forge = LtxForge.Of(header);
        foreach (var (page, isBlock, content) in pages)
        {
            _ = isBlock ? forge.WithBlock(page, content) : forge.WithRaw(page, flags: 0, new Lz4FrameForge().Build(content), content);
        }

        var file = forge.Build();
        for (var i = 0; i < pages.Count; i++)
        {
            var (start, isLast) = ((int)forge.FrameOffsets[i], i == pages.Count - 1);
            var end = isLast ? start + FrameLength(file.AsSpan(start), header.PageSize) : (int)forge.FrameOffsets[i + 1];
            frames[pages[i].Page] = file[start..end];
        }

        return file;
    }

    private static int FrameLength(ReadOnlySpan<byte> frame, PageSize pageSize)
    {
        Assert.Equal(LtxFault.None, LtxFrameHeader.TryRead(frame, out var header));
        Assert.Equal(LtxFault.None, LtxFrame.TryMeasure(frame, header, pageSize, out var length));
        return length;
    }
}
