using Tidemark.Replicas.Catalog;

namespace Tidemark.Cli.Output;

/// <summary>A file of a restore plan in JSON.</summary>
internal sealed record PlannedFileDocument(int Level, string Name, string MinTxid, string MaxTxid, long Size, string Timestamp)
{
    /// <summary>Tells of a planned file.</summary>
    public static PlannedFileDocument From(LtxFileInfo file) => new(
        file.Level.Value, file.Key.Name.ToString(), file.MinTxid.ToString(), file.MaxTxid.ToString(), file.SizeBytes,
            Rfc3339.Format(file.Created));
}
