namespace Tidemark.Testing.Files;

/// <summary>What a power failure takes of that which was not made durable.</summary>
public enum PowerLoss
{
    /// <summary>All of it.</summary>
    Everything,

    /// <summary>Names only: contents had reached the disk.</summary>
    Names,

    /// <summary>Contents only: names had reached the disk. So a file that was renamed before its fsync is there, and empty.</summary>
    Contents,

    /// <summary>
    /// Some names and parts of some contents, by a seed. The names of one folder that survive are those that were changed first.
    /// </summary>
    Mixed,

    /// <summary>As <see cref="Mixed"/>, on a file system that keeps no order even among the names of one folder.</summary>
    Unordered,
}
