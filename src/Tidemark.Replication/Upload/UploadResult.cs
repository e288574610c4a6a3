using Tidemark.Replicas.Catalog;

namespace Tidemark.Replication.Upload;

/// <summary>What an upload did.</summary>
/// <param name="Outcome">In a word.</param>
/// <param name="File">The file that was shipped, if one was.</param>
internal readonly record struct UploadResult(UploadOutcome Outcome, LtxFileInfo? File = null);
