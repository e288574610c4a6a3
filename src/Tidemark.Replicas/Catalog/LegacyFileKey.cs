using System.Globalization;
using System.Text.RegularExpressions;

namespace Tidemark.Replicas.Catalog;

/// <summary>Which file of a replica in Litestream's format of the versions 0.3.</summary>
/// <remarks>
/// <code>
///   generations/GENERATION/snapshots/INDEX.snapshot.lz4       the database file as it was when the WAL began that has this index
///   generations/GENERATION/wal/INDEX_OFFSET.wal.lz4           a part of that WAL, from a byte offset on
/// </code>
/// Numbers are hexadecimal with 8 digits; offsets beyond 4 GiB have more. Each file is one LZ4 frame; offsets count expanded bytes.
/// </remarks>
/// <param name="Generation">16 lower-case hexadecimal digits, chosen at random whenever the history could not be continued.</param>
/// <param name="Index">Number of the WAL: each one begins after the one before was copied into the database.</param>
/// <param name="Offset">Where a part of a WAL begins, in bytes of the WAL; null for a snapshot.</param>
public readonly partial record struct LegacyFileKey(string Generation, uint Index, long? Offset)
{
    /// <summary>The folder of all generations, in the replica.</summary>
    public const string Root = "generations";

    /// <summary>The folder of snapshots, in a generation.</summary>
    public const string SnapshotFolder = "snapshots";

    /// <summary>The folder of parts of WALs, in a generation.</summary>
    public const string WalFolder = "wal";

    private const uint IndexMax = int.MaxValue;

    /// <summary>Whether it is a snapshot.</summary>
    public bool IsSnapshot => Offset is null;

    /// <summary>Whether a name is that of a generation.</summary>
    public static bool IsGeneration(string name) => GenerationName().IsMatch(name);

    /// <summary>Reads the name of a file in one of the two folders of a generation.</summary>
    /// <returns>False for any other name.</returns>
    public static bool TryParse(string generation, string name, out LegacyFileKey key)
    {
        key = default;
        var match = FileName().Match(name);
        if (!match.Success
            || !uint.TryParse(match.Groups["index"].ValueSpan, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var index)
            || index > IndexMax)
        {
            return false;
        }

        if (!match.Groups["offset"].Success)
        {
            key = new LegacyFileKey(generation, index, null);
            return true;
        }

        if (!ulong.TryParse(match.Groups["offset"].ValueSpan, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var offset)
            || offset > long.MaxValue)
        {
            return false;
        }

        key = new LegacyFileKey(generation, index, (long)offset);
        return true;
    }

    /// <summary>The path in the replica, with slashes.</summary>
    public override string ToString() => Offset is { } offset
        ? string.Create(CultureInfo.InvariantCulture, $"{Root}/{Generation}/{WalFolder}/{Index:x8}_{offset:x8}.wal.lz4")
        : string.Create(CultureInfo.InvariantCulture, $"{Root}/{Generation}/{SnapshotFolder}/{Index:x8}.snapshot.lz4");

    [GeneratedRegex(@"\A[0-9a-f]{16}\z", RegexOptions.CultureInvariant)]
    private static partial Regex GenerationName();

    [GeneratedRegex(@"\A(?<index>[0-9a-f]{8})(?:\.snapshot|_(?<offset>[0-9a-f]{8,16})\.wal)\.lz4\z", RegexOptions.CultureInvariant)]
    private static partial Regex FileName();
}
