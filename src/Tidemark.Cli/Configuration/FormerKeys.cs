using System.Collections.Frozen;

namespace Tidemark.Cli.Configuration;

/// <summary>Keys of Litestream 0.3 that have no effect any more, each with what it is told about them. Those that are obeyed still are
/// not among
/// them.</summary>
internal static class FormerKeys
{
    private const string Validation = "is a key of Litestream 0.3: ignored; tidemark verify checks a replica when it is run";

    private const string RetentionCheck = "is a key of Litestream 0.3: ignored; l0-retention-check-interval at the top level says how "
        + "often it is looked whether files can be deleted";

    private const string Retention = "is a key of replicas of Litestream 0.3, and not one of this place: ignored; write snapshot.retention";

    private const string SnapshotInterval =
        "is a key of replicas of Litestream 0.3, and not one of this place: ignored; write snapshot.interval";

    /// <summary>Of a replica.</summary>
    public static FrozenDictionary<string, string> OfReplica { get; } = new Dictionary<string, string>
    {
        ["validation-interval"] = Validation,
        ["retention-check-interval"] = RetentionCheck,
    }.ToFrozenDictionary();

    /// <summary>Of a database.</summary>
    public static FrozenDictionary<string, string> OfDatabase { get; } = new Dictionary<string, string>
    {
        ["retention"] = Retention,
        ["snapshot-interval"] = SnapshotInterval,
        ["validation-interval"] = Validation,
        ["retention-check-interval"] = RetentionCheck,
        ["max-checkpoint-page-count"] =
            "is a key of Litestream 0.3: ignored; min-checkpoint-page-count says by how many pages the WAL grows before it starts over",
        ["shadow-retention-n"] = "is a key of Litestream 0.3: ignored; max-spool-bytes bounds what waits for upload",
    }.ToFrozenDictionary();

    /// <summary>Of the whole file.</summary>
    public static FrozenDictionary<string, string> OfFile { get; } = new Dictionary<string, string>
    {
        ["snapshot-interval"] = SnapshotInterval,
        ["validation-interval"] = Validation,
        ["retention-check-interval"] = RetentionCheck,
    }.ToFrozenDictionary();

    /// <summary>Of a section that had none.</summary>
    public static FrozenDictionary<string, string> None { get; } = FrozenDictionary<string, string>.Empty;
}
