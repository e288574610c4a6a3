using System.Buffers.Binary;
using Tidemark.Formats;
using Tidemark.Replicas.Files;

namespace Tidemark.Replication.Capture;

/// <summary>The histories of other writers that one history has taken over, in a file of its spool: eight bytes each.</summary>
/// <remarks>Destinations take over from their own threads.</remarks>
/// <param name="files">The files of this machine.</param>
/// <param name="path">The file.</param>
internal sealed class Ancestors(IFileSystem files, string path)
{
    private readonly Lock _gate = new();
    private readonly HashSet<Lineage> _added = [];

    /// <summary>Whether this history was taken over.</summary>
    public bool Contains(Lineage lineage)
    {
        lock (_gate)
        {
            return _added.Contains(lineage) || Read().Contains(lineage);
        }
    }

    /// <summary>Adds a history. Durable when this returns.</summary>
    public void Add(Lineage lineage)
    {
        lock (_gate)
        {
            _added.Add(lineage); // Should the disk be full now, this run still knows.
            var known = Read();
            if (known.Contains(lineage))
            {
                return;
            }

            Span<byte> bytes = stackalloc byte[sizeof(ulong)];
            BinaryPrimitives.WriteUInt64BigEndian(bytes, lineage.Value);
            using var file = files.Open(path, FileMode.OpenOrCreate, FileAccess.ReadWrite);
            file.Write(known.Count * sizeof(ulong), bytes); // Over what a write that broke off has left.
            file.Sync();
            files.SyncDirectory(Path.GetDirectoryName(path)!);
        }
    }

    private List<Lineage> Read()
    {
        var ancestors = new List<Lineage>();
        if (files.FileExists(path))
        {
            using var file = files.Open(path, FileMode.Open, FileAccess.Read);
            Span<byte> bytes = stackalloc byte[sizeof(ulong)];
            while (file.Read(ancestors.Count * sizeof(ulong), bytes) == bytes.Length)
            {
                ancestors.Add(new Lineage(BinaryPrimitives.ReadUInt64BigEndian(bytes)));
            }
        }

        return ancestors;
    }
}
