namespace Tidemark.Replication.Audit;

/// <summary>What one piece of an audit said, in a word.</summary>
internal enum AuditStepOutcome
{
    /// <summary>Nothing was compared: not everything is captured, or it is not known what the pages must be. A capture comes first.</summary>
    NotNow,

    /// <summary>The piece is equal, and there are more.</summary>
    GoesOn,

    /// <summary>The last piece is equal too.</summary>
    Equal,

    /// <summary>Pages differ from what was captured.</summary>
    Different,
}
