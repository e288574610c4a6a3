using System.Globalization;
using System.Text.Json;
using Tidemark.Formats;
using Tidemark.Replicas.Files;
using Tidemark.Replicas.Stores;
using Tidemark.Testing;

namespace Tidemark.Interop.Tests;

/// <summary>
/// A replica that Litestream wrote, copied to a folder of its own, with the file times that it had; and what Litestream restores from it.
/// </summary>
internal sealed class Fixture : IDisposable
{
    private const long NanosecondsPerTick = 100;
    private readonly TemporaryFolder _folder = new();
    private readonly JsonDocument _expected;

    public Fixture(string name)
    {
        _expected = JsonDocument.Parse(TidemarkShared.ReadFixture($"{name}/expected.json"));
        foreach (var time in _expected.RootElement.GetProperty("mtimes_ns").EnumerateObject())
        {
            var path = _folder[time.Name];
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
#pragma warning disable RS0030 // Plain files that nobody else uses.
            File.WriteAllBytes(path, TidemarkShared.ReadFixture($"{name}/{time.Name}"));
#pragma warning restore RS0030
            File.SetLastWriteTimeUtc(path, DateTime.UnixEpoch.AddTicks(time.Value.GetInt64() / NanosecondsPerTick));
        }
    }

    /// <summary>The path of a file or folder of the copy.</summary>
    public string this[string name] => _folder[name];

    public IReplicaStore Store => new LocalStore(_folder["replica"], PhysicalFileSystem.Instance);

    public JsonElement Expected => _expected.RootElement;

    public string OutputPath => _folder["out.db"];

    /// <summary>Hash and size of the database for each TXID.</summary>
    public IEnumerable<(Txid Txid, string Sha256, long SizeBytes)> ByTxid
        => Expected.GetProperty("by_txid").EnumerateObject().Select(
            state => (TxidOf(state.Name), state.Value.GetProperty("sha256").GetString()!, state.Value.GetProperty("size").GetInt64()));

    /// <summary>TXID and hash of the database for moments.</summary>
    public IEnumerable<(DateTimeOffset Time, Txid Txid, string Sha256)> ByTime
        => Expected.GetProperty("by_time").EnumerateArray().Select(state => (
            DateTimeOffset.Parse(state.GetProperty("timestamp").GetString()!, CultureInfo.InvariantCulture),
            TxidOf(state.GetProperty("txid").GetString()!),
            state.GetProperty("sha256").GetString()!));

    public static Txid TxidOf(string text) => Txid.TryParse(text, out var txid) ? txid : throw new FormatException(text);

    public void Dispose()
    {
        _expected.Dispose();
        _folder.Dispose();
    }
}
