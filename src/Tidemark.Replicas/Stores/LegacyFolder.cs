using Tidemark.Replicas.Catalog;
using Tidemark.Replicas.Files;

namespace Tidemark.Replicas.Stores;

/// <summary>A v0.3 replica in a folder. The time of a file is its modification time.</summary>
internal sealed class LegacyFolder(string name, string folder, IFileSystem files) : ILegacyReplicaSource
{
    /// <inheritdoc/>
    public string Name => name;

    /// <inheritdoc/>
    public ValueTask<IReadOnlyList<LegacyFileInfo>> ListLegacyAsync(CancellationToken cancellationToken)
    {
        var found = new List<LegacyFileInfo>();
        var root = Path.Combine(folder, LegacyFileKey.Root);
        try
        {
            foreach (var generation in files.ListDirectories(root).Where(LegacyFileKey.IsGeneration))
            {
                foreach (var part in (ReadOnlySpan<string>)[LegacyFileKey.SnapshotFolder, LegacyFileKey.WalFolder])
                {
                    cancellationToken.ThrowIfCancellationRequested();
                    AddFiles(found, generation, Path.Combine(root, generation, part), part == LegacyFileKey.SnapshotFolder);
                }
            }
        }
        catch (Exception e) when (FileErrors.IsFileError(e))
        {
            throw Failure("list", root, e);
        }

        return ValueTask.FromResult<IReadOnlyList<LegacyFileInfo>>(found);
    }

    /// <inheritdoc/>
    public ValueTask<Stream> OpenLegacyAsync(LegacyFileKey key, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        var path = Path.Combine([folder, .. key.ToString().Split('/')]);
        try
        {
            var file = files.Open(path, FileMode.Open, FileAccess.Read);
            return ValueTask.FromResult<Stream>(new TranslatingStream(new FileContentStream(file), e => Failure("read", path, e)));
        }
        catch (Exception e) when (FileErrors.IsFileError(e))
        {
            throw Failure("open", path, e);
        }
    }

    private void AddFiles(List<LegacyFileInfo> found, string generation, string path, bool isForSnapshots)
    {
        foreach (var file in files.ListFiles(path))
        {
            if (LegacyFileKey.TryParse(generation, file, out var key)
                && key.IsSnapshot == isForSnapshots
                && files.TryGetFacts(Path.Combine(path, file)) is { } facts)
            {
                found.Add(new LegacyFileInfo(key, facts.SizeBytes, facts.Modified));
            }
        }
    }

    private ReplicaStoreException Failure(string action, string path, Exception e)
    {
        var (reason, hint) = FolderRights.Explain(e, path, isReading: true, folder, files);
        return new($"{name}: cannot {action} {path}: {reason}", hint, e) { IsTransient = FileErrors.IsTransient(e) };
    }
}
