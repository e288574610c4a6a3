namespace Tidemark.Benchmarks.Roles;

/// <summary>Which events of the replicator the measures follow.</summary>
internal enum EngineEventKind
{
    /// <summary>Frames or an image lie in the spool.</summary>
    Captured,

    /// <summary>The WAL was drained, and perhaps sealed.</summary>
    Checkpointed,

    /// <summary>A snapshot was composed at the destination.</summary>
    Composed,
}
