using Tidemark.Formats;

namespace Tidemark.Replication.Databases;

/// <summary>Something other than SQLite changed the files of an open database, so nothing may be written to them.</summary>
/// <remarks>The next look closes the database without a checkpoint and compares its pages.</remarks>
internal sealed class ForeignChangeException : TidemarkException
{
    public ForeignChangeException(string path, ForeignChange change)
        : base($"{path}: {ForeignChangeText.Describe(change)}.", ForeignChangeText.Advise(change))
        => IsTransient = true;
}
