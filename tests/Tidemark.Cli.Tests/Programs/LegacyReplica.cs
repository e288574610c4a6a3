using System.Buffers.Binary;
using System.Text.Json;
using Tidemark.Testing;

namespace Tidemark.Cli.Tests.Programs;

/// <summary>A replica that Litestream 0.3.13 wrote, copied to a folder, with the file times that it had.</summary>
internal static class LegacyReplica
{
    private static JsonElement Expected { get; } = JsonDocument.Parse(TidemarkShared.ReadFixture("v03/expected.json")).RootElement;

    /// <summary>The hash of the newest state.</summary>
    public static string Hash => Expected.GetProperty("sha256_v0313_restore").GetString()!;

    /// <summary>A moment in the first generation.</summary>
    public static string Moment => Expected.GetProperty("rows_at")[1].GetProperty("timestamp").GetString()!;

    /// <summary>The newest part of a WAL, as a path in the replica.</summary>
    public static string NewestFile => "generations/77c825ee57b67835/wal/00000003_00000000.wal.lz4";

    /// <summary>Makes a replica of one snapshot and nothing else; its folder is <c>replica</c>.</summary>
    /// <param name="folder">Where.</param>
    /// <param name="database">The database file, of at most 4 MB.</param>
    public static void Create(TemporaryFolder folder, ReadOnlySpan<byte> database)
    {
        // One LZ4 frame of one block that is not compressed. https://github.com/lz4/lz4/blob/dev/doc/lz4_Frame_format.md
        const uint NotCompressed = 0x8000_0000;
        ReadOnlySpan<byte> header = [0x04, 0x22, 0x4d, 0x18, 0x60, 0x70, 0x73];
        var frame = new byte[header.Length + sizeof(uint) + database.Length + sizeof(uint)];
        header.CopyTo(frame);
        BinaryPrimitives.WriteUInt32LittleEndian(frame.AsSpan(header.Length), NotCompressed | (uint)database.Length);
        database.CopyTo(frame.AsSpan(header.Length + sizeof(uint)));
        var path = folder["replica/generations/0123456789abcdef/snapshots/00000000.snapshot.lz4"];
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
#pragma warning disable RS0030 // A plain file that nobody else uses.
        File.WriteAllBytes(path, frame);
#pragma warning restore RS0030
    }

    /// <summary>Copies it; its folder is <c>replica</c>.</summary>
    public static void CopyTo(TemporaryFolder folder)
    {
        foreach (var time in Expected.GetProperty("mtimes").EnumerateObject())
        {
            var path = folder[time.Name];
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
#pragma warning disable RS0030 // Plain files that nobody else uses.
            File.WriteAllBytes(path, TidemarkShared.ReadFixture($"v03/{time.Name}"));
#pragma warning restore RS0030
            File.SetLastWriteTimeUtc(path, DateTime.UnixEpoch.AddTicks(time.Value.GetInt64() / TimeSpan.NanosecondsPerTick));
        }
    }
}
