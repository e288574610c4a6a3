namespace Tidemark.Replication.Health;

/// <summary>What an audit found.</summary>
public enum AuditOutcome
{
    /// <summary>Every page was equal.</summary>
    Equal,

    /// <summary>Pages differed from what had been captured. They are captured right after it.</summary>
    Different,
}
