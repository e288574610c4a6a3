using Tidemark.Replicas.Catalog;

namespace Tidemark.Cli.Output;

/// <summary>A file of a v0.3 replica in JSON.</summary>
internal sealed record LegacyFileDocument(string Name, long Size, string Timestamp)
{
    /// <summary>Tells of a file.</summary>
    public static LegacyFileDocument From(LegacyFileInfo file) => new(file.Key.ToString(), file.SizeBytes, Rfc3339.Format(file.Created));
}
