using Tidemark.Formats.Compression;
using Tidemark.Formats.Ltx;
using Tidemark.Formats.Tests.Ltx;

namespace Tidemark.Formats.Tests.Fuzzing;

/// <summary>Damaged files give a format error: never another exception, a hang, wrong pages, or more memory than the file's length
/// justifies.</summary>
public sealed class LtxFuzzTests
{
    private const long AllocatedMax = 4 * 1024 * 1024;
    private const int AllocatedPerByteMax = 64;

    private static readonly byte[][] s_corpus =
    [
        LtxForge.Snapshot().Build(),
        LtxForge.Increment().Build(),
        LtxForge.Frames().Build(),
        LtxForge.Tracked().Build(),
        LtxForge.Of(LtxSample.HeaderOf(512, 9, 2, 2))
            .WithFrames(new Lz4FrameForge { HasBlockChecksums = true, HasContentSize = true }, 1)
            .WithPages(4)
            .Build(),
        LtxSample.Small(pageSize: 4096, pageCount: 5).Write(),
        (LtxSample.Small(minTxid: 8) with { PageNumbers = [], Pages = [] }).Write(),
    ];

    private static readonly (LtxHeader Header, string Pages)[] s_known = [.. s_corpus.Select(file => Describe(LtxSample.Read(file)))];

    [Fact]
    public void Damaged_files_are_refused_and_nothing_else_happens() => Fuzz.Run(20_000, random =>
    {
        var file = Mutation.Of(Pick(random), Pick(random), random);
        var before = GC.GetAllocatedBytesForCurrentThread();
        var isAccepted = IsAccepted(file);
        ReadAlone(file);
        var allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        Assert.InRange(allocated, 0, AllocatedMax + (AllocatedPerByteMax * file.Length));
        if (isAccepted)
        {
            // Other compressed bytes may stand for the same pages; other pages may not.
            Assert.Contains(Describe(LtxSample.Read(file)), s_known);
        }
    });

    [Fact]
    public void Damaged_files_never_merge_to_other_pages() => Fuzz.Run(2_000, random =>
    {
        var sample = LtxMergeSample.Make(random, 512, isSnapshot: random.Next(2) == 0, files: random.Next(1, 5), isProven: random.Next(2) == 0);
        var expected = Describe(LtxSample.Read(sample.MergeAsync().GetAwaiter().GetResult()));
        var damaged = random.Next(sample.Files.Count);
        var content = Mutation.Of(sample.Files[damaged], sample.Files[random.Next(sample.Files.Count)], random);
        try
        {
            var merged = sample.MergeAsync(open: (file, index) => new MemoryStream(index == damaged ? content : file)).GetAwaiter().GetResult();
            Assert.Equal(expected, Describe(LtxSample.Read(merged)));
        }
        catch (Exception e) when (e is LtxFormatException or LtxMergeException or ArgumentException)
        {
            // Refused; the last for a header that names other TXIDs or another page size, which callers look at first.
        }
    });

    [Fact]
    public void Damaged_lz4_frames_expand_to_what_they_were_or_not_at_all() => Fuzz.Run(20_000, random =>
    {
        var content = LtxForge.Page((uint)random.Next(3));
        var frame = new Lz4FrameForge { HasBlockChecksums = true, BlockLength = 200, HasContentSize = random.Next(2) == 0 }.Build(content);
        var damaged = Mutation.Of(frame, frame, random);
        var target = new byte[512];
        if (Lz4Frame.TryMeasure(damaged, 1000, out var length) && length <= damaged.Length)
        {
            var expanded = Lz4Frame.Decode(damaged.AsSpan(0, length), target);
            Assert.InRange(expanded, -1, 512);
        }
    });

    [Fact]
    public void Any_text_is_a_file_name_or_none() => Fuzz.Run(20_000, random =>
    {
        const string characters = "0123456789abcdefABF-.ltx ";
        var text = $"{(ulong)random.NextInt64():x16}-{(ulong)random.NextInt64():x16}.ltx".ToCharArray();
        for (var i = random.Next(3); i > 0; i--)
        {
            text[random.Next(text.Length)] = characters[random.Next(characters.Length)];
        }

        var name = text.AsSpan(0, random.Next(10) == 0 ? random.Next(text.Length) : text.Length);
        if (LtxFileName.TryParse(name, out var parsed))
        {
            Assert.Equal(name.ToString(), parsed.ToString());
            Assert.True(parsed.MinTxid <= parsed.MaxTxid && !parsed.MinTxid.IsNone);
        }

        if (Txid.TryParse(name[..Math.Min(16, name.Length)], out var txid))
        {
            Assert.Equal(name[..16].ToString().ToLowerInvariant(), txid.ToString());
        }
    });

    private static byte[] Pick(Random random) => s_corpus[random.Next(s_corpus.Length)];

    private static bool IsAccepted(byte[] file)
    {
        try
        {
            // A stream in memory answers at once, so everything happens on this thread and its memory can be counted.
            var verification = LtxReader.VerifyAsync(new MemoryStream(file), "fuzz", CancellationToken.None);
            Assert.True(verification.IsCompleted);
            verification.GetAwaiter().GetResult();
            return true;
        }
        catch (LtxFormatException)
        {
            return false;
        }
    }

    private static void ReadAlone(byte[] file)
    {
        try
        {
            var reader = LtxRandomReader.OpenAsync(new ImmediateSource(file), "fuzz", CancellationToken.None).GetAwaiter().GetResult();
            var page = new byte[reader.Header.PageSize.Bytes];
            foreach (var pageNumber in reader.Index.PageNumbers)
            {
                reader.TryReadPageAsync(pageNumber, page, CancellationToken.None).AsTask().GetAwaiter().GetResult();
            }
        }
        catch (LtxFormatException)
        {
        }
    }

    private static (LtxHeader Header, string Pages) Describe((LtxSummary Summary, SortedDictionary<uint, byte[]> Pages) file)
        => (file.Summary.Header, string.Join(';', file.Pages.Select(page => $"{page.Key}:{Crc64Iso.Append(0, page.Value):x}")));

    private sealed class ImmediateSource(byte[] file) : ILtxSource
    {
        public long Length => file.Length;

        public ValueTask ReadAsync(long offset, Memory<byte> destination, CancellationToken cancellationToken)
        {
            file.AsSpan((int)offset, destination.Length).CopyTo(destination.Span);
            return ValueTask.CompletedTask;
        }
    }
}
