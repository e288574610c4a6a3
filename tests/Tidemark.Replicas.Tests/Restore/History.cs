using Tidemark.Formats;
using Tidemark.Formats.Database;
using Tidemark.Formats.Ltx;
using Tidemark.Replicas.Catalog;
using Tidemark.Replicas.Stores;

namespace Tidemark.Replicas.Tests.Restore;

/// <summary>A small database over its captures: what its bytes were at each TXID, and the files that a writer would have made.</summary>
/// <remarks>
/// Files are made from the recorded states, not from other files, so that they do not share the faults of what is tested.
/// </remarks>
internal sealed class History
{
    private readonly List<State> _states = [new State([], [])];

    public History(int pageSizeBytes = 4096, bool isProven = true)
    {
        PageSize = PageSize.TryFromBytes(pageSizeBytes, out var size) ? size : throw new ArgumentOutOfRangeException(nameof(pageSizeBytes));
        IsProven = isProven;
    }

    public PageSize PageSize { get; }

    public bool IsProven { get; }

    public Txid Last => new((ulong)_states.Count - 1);

    /// <summary>The database after a capture.</summary>
    public byte[] At(int txid) => _states[txid].Pages.SelectMany(page => page).ToArray();

    public static DateTimeOffset TimeOf(int txid) => DateTimeOffset.FromUnixTimeMilliseconds(1_790_000_000_000 + (txid * 1_000L));

    /// <summary>Captures a new state: pages (from 1) with a new content each, and a size in pages.</summary>
    public History Capture(int commit, params (int Page, byte Content)[] changes)
    {
        var last = _states[^1].Pages;
        var pages = new List<byte[]>();
        var changed = new SortedSet<uint>();
        for (var i = 0; i < commit; i++)
        {
            pages.Add(i < last.Count ? last[i] : new byte[PageSize.Bytes]);
            if (i >= last.Count)
            {
                changed.Add((uint)i + 1); // What a database grows by is always captured.
            }
        }

        foreach (var (page, content) in changes.Where(change => change.Page <= commit))
        {
            var bytes = new byte[PageSize.Bytes];
            new Random((page << 8) | content).NextBytes(bytes.AsSpan(0, Math.Min(bytes.Length, 200)));
            bytes.AsSpan(200).Fill(content);
            pages[page - 1] = bytes;
            changed.Add((uint)page);
        }

        _states.Add(new State(pages, changed));
        return this;
    }

    /// <summary>Captures a state that somebody else has made: all pages of a database.</summary>
    public History Capture(ReadOnlySpan<byte> image)
    {
        var last = _states[^1].Pages;
        var pages = new List<byte[]>();
        var changed = new SortedSet<uint>();
        for (var offset = 0; offset < image.Length; offset += PageSize.Bytes)
        {
            pages.Add(image.Slice(offset, PageSize.Bytes).ToArray());
            if (pages.Count > last.Count || !pages[^1].AsSpan().SequenceEqual(last[pages.Count - 1]))
            {
                changed.Add((uint)pages.Count);
            }
        }

        _states.Add(new State(pages, changed));
        return this;
    }

    /// <summary>Captures states at random: growing, shrinking and changing.</summary>
    public History CaptureAtRandom(int seed, int captures, int pagesMax)
    {
        var random = new Random(seed);
        for (var i = 0; i < captures; i++)
        {
            var commit = random.Next(1, pagesMax + 1);
            Capture(commit, [.. Enumerable.Range(0, random.Next(1, 4)).Select(_ => (random.Next(1, commit + 1), (byte)random.Next(256)))]);
        }

        return this;
    }

    /// <summary>The file that holds what changed from one TXID to another.</summary>
    public byte[] File(int min, int max, Func<LtxHeader, LtxHeader>? change = null, Func<uint, bool>? keeps = null)
    {
        var state = _states[max];
        var header = new LtxHeader
        {
            PageSize = PageSize,
            Commit = (uint)state.Pages.Count,
            MinTxid = new Txid((ulong)min),
            MaxTxid = new Txid((ulong)max),
            TimestampMs = TimeOf(max).ToUnixTimeMilliseconds(),
            Proof = IsProven ? new LtxProof(min == 1 ? null : ChecksumAt(min - 1), ChecksumAt(max)) : LtxProof.None,
        };
        var pages = new SortedSet<uint>();
        for (var txid = min; txid <= max; txid++)
        {
            pages.UnionWith(_states[txid].Changed);
        }

        uint[] numbers = [.. pages.Where(page => page <= header.Commit && (keeps?.Invoke(page) ?? true))];
        using var stream = new MemoryStream();
        using var writer = new LtxWriter(stream, change?.Invoke(header) ?? header);
        writer.WritePages(numbers, numbers.SelectMany(page => state.Pages[(int)page - 1]).ToArray());
        writer.Complete();
        return stream.ToArray();
    }

    public DatabaseChecksum ChecksumAt(int txid)
    {
        var checksum = DatabaseChecksum.Empty;
        var pages = _states[txid].Pages;
        for (var i = 0; i < pages.Count; i++)
        {
            checksum = checksum.Toggle(DatabaseChecksum.OfPage((uint)i + 1, pages[i]));
        }

        return checksum;
    }

    /// <summary>Puts files into a store, each as <c>level:min-max</c>.</summary>
    public async Task<MemoryStore> StoreAsync(string files)
    {
        var store = new MemoryStore();
        foreach (var file in Listing.Parse(files))
        {
            await WriteAsync(store, file.Key);
        }

        return store;
    }

    /// <summary>Puts one file into a store.</summary>
    public ValueTask<LtxFileInfo> WriteAsync(IReplicaStore store, LtxFileKey key, byte[]? content = null)
        => store.WriteAsync(
            key,
            TimeOf((int)key.Name.MaxTxid.Value),
            new MemoryStream(content ?? File((int)key.Name.MinTxid.Value, (int)key.Name.MaxTxid.Value)),
            CancellationToken.None);

    private sealed record State(List<byte[]> Pages, SortedSet<uint> Changed);
}
