using System.Security.Cryptography;
using System.Text.Json;
using Tidemark.Testing;

namespace Tidemark.Cli.Tests.Programs;

/// <summary>A replica that the original wrote, and what it leads to.</summary>
internal static class Replica
{
    private const string Name = "grow-4k";

    /// <summary>The URL of the replica.</summary>
    public static string Url { get; } = $"file://{TidemarkShared.Fixtures}/{Name}/replica";

    /// <summary>The newest TXID.</summary>
    public static string MaxTxid => Expected.GetProperty("max_txid").GetString()!;

    private static JsonElement Expected { get; } = JsonDocument.Parse(TidemarkShared.ReadFixture($"{Name}/expected.json")).RootElement;

    /// <summary>The hash of the database at a TXID.</summary>
    public static string HashAt(string txid) => Expected.GetProperty("by_txid").GetProperty(txid).GetProperty("sha256").GetString()!;

    /// <summary>The hash of a restored file.</summary>
    public static string HashOf(string path)
    {
#pragma warning disable RS0030 // A restored file that nobody has opened.
        return Convert.ToHexStringLower(SHA256.HashData(File.ReadAllBytes(path)));
#pragma warning restore RS0030
    }
}
