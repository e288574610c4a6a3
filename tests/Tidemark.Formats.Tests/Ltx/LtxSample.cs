using Tidemark.Formats.Database;
using Tidemark.Formats.Ltx;
using Tidemark.Formats.Wal;

namespace Tidemark.Formats.Tests.Ltx;

/// <summary>A made-up file: a header and its pages.</summary>
internal sealed record LtxSample(LtxHeader Header, uint[] PageNumbers, byte[] Pages)
{
    /// <summary>Random files: three page sizes, snapshots and others, compressible and random pages, with and without proof.</summary>
    public static Gen<LtxSample> Gen { get; } =
        from pageSize in CsCheck.Gen.OneOf(CsCheck.Gen.Const(512), CsCheck.Gen.Const(4096), CsCheck.Gen.Const(65536))
        from isSnapshot in CsCheck.Gen.Bool
        from holes in CsCheck.Gen.Bool.Array[0, 300_000 / pageSize]
        from seed in CsCheck.Gen.Int
        select Make(pageSize, isSnapshot, holes, seed);

    public static PageSize Size(int bytes)
        => PageSize.TryFromBytes(bytes, out var pageSize) ? pageSize : throw new ArgumentException("No page size.");

    /// <summary>A header that is valid as it stands.</summary>
    public static LtxHeader HeaderOf(int pageSize, uint commit, ulong minTxid, ulong maxTxid) => new()
    {
        PageSize = Size(pageSize),
        Commit = commit,
        MinTxid = new Txid(minTxid),
        MaxTxid = new Txid(maxTxid),
        TimestampMs = 1_700_000_000_123,
    };

    /// <summary>A small file for tests of damage: pages 1 to <paramref name="pageCount"/>, alternately compressible and not.</summary>
    public static LtxSample Small(int pageSize = 512, int pageCount = 3, ulong minTxid = 1)
    {
        var random = new Random(7);
        var numbers = Enumerable.Range(1, pageCount).Select(number => (uint)number).ToArray();
        return new LtxSample(HeaderOf(pageSize, (uint)pageCount, minTxid, minTxid + 4), numbers, RandomPages(random, numbers, pageSize));
    }

    /// <summary>Writes the file, in one batch.</summary>
    public byte[] Write(int parallelism = 1)
    {
        var stream = new MemoryStream();
        using var writer = new LtxWriter(stream, Header, parallelism: parallelism);
        writer.WritePages(PageNumbers, Pages);
        writer.Complete(Header, PostApplyChecksum());
        Assert.Equal(stream.Length, writer.Length);
        return stream.ToArray();
    }

    /// <summary>Reads and checks a whole file.</summary>
    public static (LtxSummary Summary, SortedDictionary<uint, byte[]> Pages) Read(byte[] file)
    {
        using var reader = new LtxReader(new MemoryStream(file), "test.ltx");
        return ReadAsync(reader).AsTask().GetAwaiter().GetResult();
    }

    private static async ValueTask<(LtxSummary, SortedDictionary<uint, byte[]>)> ReadAsync(LtxReader reader)
    {
        var pages = new SortedDictionary<uint, byte[]>();
        await reader.ReadHeaderAsync(CancellationToken.None);
        await foreach (var page in reader.ReadPagesAsync(CancellationToken.None))
        {
            pages.Add(page.PageNumber, page.Bytes.ToArray());
        }

        return (reader.Summary(), pages);
    }

    private static LtxSample Make(int pageSize, bool isSnapshot, bool[] holes, int seed)
    {
        var random = new Random(seed);
        var all = Enumerable.Range(1, holes.Length);
        var numbers = all.Where(number => isSnapshot || !holes[number - 1]).Select(number => (uint)number).ToArray();
        var minTxid = isSnapshot ? 1UL : (ulong)random.NextInt64(2, long.MaxValue);
        var header = HeaderOf(pageSize, (uint)Math.Max(1, holes.Length), minTxid, minTxid + (ulong)random.Next(100));
        if (isSnapshot && numbers.Length == 0)
        {
            numbers = [1];
        }

        var proof = new LtxProof(
            isSnapshot || random.Next(2) == 0 ? null : RandomChecksum(random),
            random.Next(2) == 0 ? null : RandomChecksum(random));
        header = header with
        {
            TimestampMs = random.NextInt64(),
            WalOffset = 32 + random.Next(1000),
            WalSize = random.Next(1000),
            WalSalts = new WalSalts((uint)random.Next(), (uint)random.Next()),
            Lineage = new Lineage((ulong)random.NextInt64()),
            Proof = proof,
        };
        return new LtxSample(header, numbers, RandomPages(random, numbers, pageSize));
    }

    private static DatabaseChecksum RandomChecksum(Random random) => new(DatabaseChecksum.Flag | (ulong)random.NextInt64());

    private static byte[] RandomPages(Random random, uint[] numbers, int pageSize)
    {
        var pages = new byte[numbers.Length * pageSize];
        for (var i = 0; i < numbers.Length; i++)
        {
            var page = pages.AsSpan(i * pageSize, pageSize);
            random.NextBytes(page[..(i % 3 * pageSize / 2)]);
        }

        return pages;
    }

    private ulong PostApplyChecksum()
    {
        if (!Header.TracksChecksums)
        {
            return 0;
        }

        var checksum = DatabaseChecksum.Empty;
        for (var i = 0; i < PageNumbers.Length; i++)
        {
            var page = Pages.AsSpan(i * Header.PageSize.Bytes, Header.PageSize.Bytes);
            checksum = checksum.Toggle(DatabaseChecksum.OfPage(PageNumbers[i], page));
        }

        return checksum.Value;
    }
}
