using Tidemark.Replicas.Files;

namespace Tidemark.Replicas.Verification;

/// <summary>A place for restored databases that are removed as soon as they were looked at.</summary>
/// <param name="Files">The files of this machine.</param>
/// <param name="Path">Path of the database. Nothing may be there; the folder should belong to the caller alone.</param>
/// <param name="Inspect">Looks at a complete database; throws to refuse it, and returns what it could not look at. It must not keep it
/// open.</param>
public sealed record ScratchDatabase(
    IFileSystem Files, string Path, Func<string, CancellationToken, ValueTask<IReadOnlyList<string>>> Inspect);
