using System.Security.Cryptography;
using Tidemark.Formats;
using Tidemark.Replicas.Catalog;
using Tidemark.Replicas.Files;
using Tidemark.Replicas.Restore;
using Tidemark.Replicas.Stores;
using Tidemark.Testing;
using Tidemark.Testing.Databases;
using Xunit;

namespace Tidemark.Crash.Tests.Soak;

/// <summary>Looks at a replica while it is written, and restores what it promises.</summary>
/// <param name="folder">For restored databases.</param>
/// <param name="replica">Folder of the replica.</param>
/// <param name="writer">Knows what was committed.</param>
internal sealed class SoakObserver(string folder, string replica, SoakWriter writer)
{
    private const int LooksMax = 600;
    private static readonly TimeSpan s_lookInterval = TimeSpan.FromMilliseconds(50);

    private readonly LocalStore _store = new(replica, PhysicalFileSystem.Instance);
    private readonly HashSet<LtxFileKey> _seen = [];
    private readonly SortedDictionary<ulong, (long Commit, string Hash)> _restored = [];
    private bool _hasSnapshot;

    /// <summary>How many TXIDs were restored at least once.</summary>
    public int RestoredTxids => _restored.Count;

    /// <summary>How many restores there were.</summary>
    public int Restores { get; private set; }

    /// <summary>The levels of which at least one file was deleted.</summary>
    public SortedSet<int> LevelsWithDeletions { get; } = [];

    /// <summary>Lists the replica and checks what holds at every moment: no level has a hole or an overlap, and there is always a
    /// snapshot.</summary>
    public async Task<IReadOnlyList<LtxFileInfo>> ListAsync(CancellationToken cancellationToken)
    {
        var files = new List<LtxFileInfo>();
        foreach (var level in Level.All)
        {
            var ofLevel = await ListAsync(level, cancellationToken);
            files.AddRange(ofLevel);
            if (level == Level.Snapshots)
            {
                Assert.All(ofLevel, file => Assert.Equal(Txid.First, file.MinTxid));
                _hasSnapshot |= ofLevel.Count > 0;
                Assert.True(ofLevel.Count > 0 || !_hasSnapshot, "There is no snapshot any more.");
                continue;
            }

            foreach (var (left, right) in ofLevel.Zip(ofLevel.Skip(1)))
            {
                Assert.True(left.MaxTxid.Next() == right.MinTxid, $"{left.Key} is followed by {right.Key}.");
            }
        }

        LevelsWithDeletions.UnionWith(_seen.Except(files.Select(file => file.Key)).Select(key => key.Level.Value));
        _seen.UnionWith(files.Select(file => file.Key));
        return files;
    }

    /// <summary>The TXIDs that can be restored: those to which files lead, from the oldest snapshot on.</summary>
    public static ulong[] Boundaries(IReadOnlyList<LtxFileInfo> files)
    {
        var oldest = files.Where(file => file.Level == Level.Snapshots).Select(file => file.MaxTxid.Value).DefaultIfEmpty().Min();
        return [.. files.Select(file => file.MaxTxid.Value).Where(txid => txid >= oldest).Distinct().Order()];
    }

    /// <summary>Restores a TXID, and checks that it is what a transaction left, that it is that each time, and that a later TXID is no
    /// older transaction. Nothing is checked when retention has given the TXID up meanwhile.</summary>
    public async Task RestoreAsync(ulong txid, CancellationToken cancellationToken)
    {
        var path = Path.Combine(folder, "restored.db");
        try
        {
            var result = await RestoreAsync(new RestoreTarget.AtTxid(new Txid(txid)), path, cancellationToken);
            Assert.True(result.IsProven, $"TXID {txid} is not proven.");
        }
        catch (TidemarkException e) when (IsNotThere(e))
        {
            await AssertIsGivenUpAsync(txid, path, e, cancellationToken);
            return;
        }

        Check(txid, path);
    }

    /// <summary>Restores the newest state.</summary>
    public async Task<byte[]> RestoreLatestAsync(CancellationToken cancellationToken)
    {
        var path = Path.Combine(folder, "latest.db");
        await RestoreAsync(new RestoreTarget.Latest(), path, cancellationToken);
        return PlainFile.Read(path);
    }

    private static bool IsNotThere(TidemarkException failure)
        => failure is TxidNotRestorableException or ReplicaFileNotFoundException or NoMatchingBackupException;

    // Captures that one compacted file replaces go one after the other, so the last of them still lie there for a moment and lead to
    // nothing. What was given up must be gone soon, and must not come back.
    private async Task AssertIsGivenUpAsync(ulong txid, string path, TidemarkException failure, CancellationToken cancellationToken)
    {
        for (var looks = 0; looks < LooksMax; looks++)
        {
            if (!Boundaries(await ListAsync(cancellationToken)).Contains(txid))
            {
                return;
            }

            try
            {
                await RestoreAsync(new RestoreTarget.AtTxid(new Txid(txid)), path, cancellationToken);
                Assert.Fail($"TXID {txid} could not be restored, and then it could.\n{failure}");
            }
            catch (TidemarkException e) when (IsNotThere(e))
            {
                await Task.Delay(s_lookInterval, TimeProvider.System, cancellationToken);
            }
        }

        Assert.Fail($"Files lead to TXID {txid}, and it cannot be restored.\n{failure}");
    }

    private async Task<RestoreResult> RestoreAsync(RestoreTarget target, string path, CancellationToken cancellationToken)
    {
        var options = new RestoreOptions { OutputPath = path, Overwrite = true };
        return await new RestoreStep(_store, PhysicalFileSystem.Instance, TimeProvider.System).RunAsync(target, options, cancellationToken);
    }

    private void Check(ulong txid, string path)
    {
        var what = $"TXID {txid}";
        Restores++;
        var hash = Convert.ToHexStringLower(SHA256.HashData(PlainFile.Read(path)));
        SoakContent content;
        using (var database = SourceDatabase.Open(path))
        {
            Assert.Equal("ok", database.Run("PRAGMA integrity_check"));
            content = SoakContent.Read(database);
        }

        writer.AssertWasCommitted(content, what);
        if (!_restored.TryAdd(txid, (content.Commit, hash)))
        {
            Assert.True(_restored[txid] == (content.Commit, hash), $"{what} was another database before");
        }

        Assert.All(
            _restored,
            other => Assert.True(
                other.Key < txid ? other.Value.Commit <= content.Commit : other.Value.Commit >= content.Commit,
                $"{what} holds transaction {content.Commit}, and TXID {other.Key} transaction {other.Value.Commit}"));
    }

    // A folder that changes while it is read may show a later deletion and not an earlier one. Two readings that are the same are a state.
    private async Task<IReadOnlyList<LtxFileInfo>> ListAsync(Level level, CancellationToken cancellationToken)
    {
        IReadOnlyList<LtxFileInfo> before = await OnceAsync();
        while (true)
        {
            IReadOnlyList<LtxFileInfo> now = await OnceAsync();
            if (now.SequenceEqual(before))
            {
                return now;
            }

            before = now;
        }

        async Task<IReadOnlyList<LtxFileInfo>> OnceAsync()
        {
            var files = new List<LtxFileInfo>();
            await foreach (var file in _store.ListAsync(level, Txid.None, cancellationToken))
            {
                files.Add(file);
            }

            return files;
        }
    }
}
