namespace Tidemark.Replicas.Leases;

/// <summary>What a writer found when it looked at the claim of a replica, and could go on.</summary>
public enum ClaimOutcome
{
    /// <summary>Its own claim.</summary>
    Own,

    /// <summary>None: nobody has written here yet, or somebody has deleted it.</summary>
    None,

    /// <summary>Something that is no claim.</summary>
    Unreadable,

    /// <summary>That of an earlier run with the same spool.</summary>
    EarlierRun,

    /// <summary>That of another writer, which is taken to be gone; if it is not, both find out.</summary>
    OtherWriter,

    /// <summary>One that says that two writers were found here; since then, a person has started this one.</summary>
    Contested,
}
