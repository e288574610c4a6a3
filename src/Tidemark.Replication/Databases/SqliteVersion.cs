using System.Globalization;

namespace Tidemark.Replication.Databases;

/// <summary>A version of SQLite, as it numbers itself (3.51.3 is 3051003), and as it notes itself in a database that it writes.</summary>
/// <remarks>https://www.sqlite.org/c3ref/c_source_id.html. The default, 0, is no version.</remarks>
/// <param name="Number">The number.</param>
internal readonly record struct SqliteVersion(int Number)
{
    /// <summary>Where in the first page of a database stands, as four bytes, which version has written that page last.</summary>
    /// <remarks>https://www.sqlite.org/fileformat2.html#write_library_version_number_and_version_valid_for_number</remarks>
    public const int HeaderOffset = 96;

    /// <summary>The oldest that captures and checkpoints here.</summary>
    public static SqliteVersion Oldest { get; } = new(3_051_003);

    /// <summary>Whether a checkpoint at the moment in which another connection starts the WAL over can leave a part of it out, so that the
    /// database is damaged: from the first version with a WAL to 3.51.2, without the two older lines in which it was mended.</summary>
    /// <remarks>https://www.sqlite.org/wal.html#walresetbug</remarks>
    public bool HasWalResetBug => Number switch
    {
        < 3_007_000 => false,
        >= 3_044_006 and < 3_045_000 => false,
        >= 3_050_007 and < 3_051_000 => false,
        _ => Number < 3_051_003,
    };

    /// <summary>Why this library cannot do what Tidemark does with a live database, or null.</summary>
    /// <param name="hasSnapshots">Whether it was compiled with SQLITE_ENABLE_SNAPSHOT.</param>
    public string? WhyUnfit(bool hasSnapshots)
        => Number < Oldest.Number ? $"SQLite {this} is older than {Oldest}, in which checkpoints beside writers became safe"
            : hasSnapshots ? null
            : $"SQLite {this} was compiled without snapshots (SQLITE_ENABLE_SNAPSHOT)";

    /// <inheritdoc/>
    public override string ToString()
        => string.Create(CultureInfo.InvariantCulture, $"{Number / 1_000_000}.{Number / 1_000 % 1_000}.{Number % 1_000}");
}
