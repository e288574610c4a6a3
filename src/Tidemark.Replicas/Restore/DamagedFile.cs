using Tidemark.Formats;
using Tidemark.Replicas.Catalog;

namespace Tidemark.Replicas.Restore;

/// <summary>A file of a replica that is damaged, or holds other TXIDs than its name says.</summary>
/// <param name="File">What the listing says of it.</param>
/// <param name="Failure">What is wrong. Its message names the replica and the file.</param>
public sealed record DamagedFile(LtxFileInfo File, TidemarkException Failure);
