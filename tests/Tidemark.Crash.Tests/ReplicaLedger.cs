using System.Security.Cryptography;
using Tidemark.Formats;
using Tidemark.Formats.Ltx;
using Tidemark.Replicas.Files;
using Xunit;

namespace Tidemark.Crash.Tests;

/// <summary>Every capture that was ever seen in the replica, with the hash of its content.</summary>
/// <param name="replica">Folder of the replica.</param>
internal sealed class ReplicaLedger(string replica)
{
    private readonly SortedDictionary<ulong, string> _hashes = [];

    /// <summary>How many captures there are.</summary>
    public int Count => _hashes.Count;

    /// <summary>The newest capture.</summary>
    public Txid Newest => new(_hashes.Keys.LastOrDefault());

    /// <summary>Notes what is new, whoever may be writing now.</summary>
    public async Task ObserveAsync(CancellationToken cancellationToken)
    {
        foreach (var (txid, path) in List())
        {
            if (!_hashes.ContainsKey(txid))
            {
                _hashes.Add(txid, await HashAsync(path, cancellationToken));
            }
        }
    }

    /// <summary>Checks that nothing is missing, nothing was rewritten, and every file is what the format says.</summary>
    public async Task CheckAsync(CancellationToken cancellationToken)
    {
        var files = List();
        var expected = 1UL;
        foreach (var (txid, path) in files)
        {
            Assert.True(txid == expected, $"TXID {new Txid(expected)} is missing before {new Txid(txid)}");
            expected++;
            var hash = await HashAsync(path, cancellationToken);
            if (_hashes.TryAdd(txid, hash))
            {
                continue;
            }

            Assert.True(hash == _hashes[txid], $"TXID {new Txid(txid)} was written again with another content");
        }

        Assert.True(expected == Newest.Next().Value, $"TXID {Newest} has vanished");
        foreach (var path in Directory.EnumerateFiles(replica, "*.ltx", SearchOption.AllDirectories))
        {
            await using var content = new FileContentStream(PhysicalFileSystem.Instance.Open(path, FileMode.Open, FileAccess.Read));
            await LtxReader.VerifyAsync(content, path, cancellationToken);
        }
    }

    private SortedDictionary<ulong, string> List()
    {
        var files = new SortedDictionary<ulong, string>();
        var folder = Path.Combine(replica, "ltx", "0");
        foreach (var path in Directory.Exists(folder) ? Directory.EnumerateFiles(folder, "*.ltx") : [])
        {
            Assert.True(
                LtxFileName.TryParse(Path.GetFileName(path), out var name) && name.MinTxid == name.MaxTxid,
                $"{path}: not the name of a capture");
            files.Add(name.MinTxid.Value, path);
        }

        return files;
    }

    private static async Task<string> HashAsync(string path, CancellationToken cancellationToken)
    {
        await using var content = new FileContentStream(PhysicalFileSystem.Instance.Open(path, FileMode.Open, FileAccess.Read));
        return Convert.ToHexStringLower(await SHA256.HashDataAsync(content, cancellationToken));
    }
}
