using Tidemark.Replicas.Files;

namespace Tidemark.Replication.Audit;

/// <summary>The file of a spool that holds its <see cref="AuditRecord"/>.</summary>
/// <remarks>Not synced: should the power fail, an older one is there or none, and the next audit comes sooner.</remarks>
internal static class AuditFile
{
    /// <summary>Reads the record; null when there is none or it is not to be believed.</summary>
    public static AuditRecord? TryRead(IFileSystem files, string path)
    {
        if (!files.FileExists(path))
        {
            return null;
        }

        using var file = files.Open(path, FileMode.Open, FileAccess.Read);
        Span<byte> record = stackalloc byte[AuditRecord.Size];
        return AuditRecord.TryRead(record[..file.Read(0, record)]);
    }

    /// <summary>Writes the record.</summary>
    public static void Write(IFileSystem files, string path, AuditRecord record)
    {
        Span<byte> bytes = stackalloc byte[AuditRecord.Size];
        record.Write(bytes);
        using var file = files.Open(path, FileMode.OpenOrCreate, FileAccess.ReadWrite);
        file.Write(0, bytes);
    }
}
