using Tidemark.Replicas.Catalog;

namespace Tidemark.Cli.Output;

/// <summary>A file of a replica in JSON. The order of the properties is the order of the fields.</summary>
internal sealed record LtxFileDocument(int Level, string MinTxid, string MaxTxid, long Size, string Timestamp)
{
    /// <summary>Tells of a listed file.</summary>
    public static LtxFileDocument From(LtxFileInfo file)
        => new(file.Level.Value, file.MinTxid.ToString(), file.MaxTxid.ToString(), file.SizeBytes, Rfc3339.Format(file.Created));
}
