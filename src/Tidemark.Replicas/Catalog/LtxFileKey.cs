using Tidemark.Formats.Ltx;

namespace Tidemark.Replicas.Catalog;

/// <summary>Which file of a replica: its level and its name.</summary>
public readonly record struct LtxFileKey(Level Level, LtxFileName Name)
{
    /// <summary>Level and name, as in the path of a folder replica.</summary>
    public override string ToString() => $"{Level}/{Name}";
}
