using Tidemark.Replicas.Catalog;

namespace Tidemark.Replication.Upload;

/// <summary>What an upload did.</summary>
/// <param name="Outcome">In a word.</param>
/// <param name="File">The file that was shipped, if one was.</param>
/// <param name="Image">The image that is needed, if one is.</param>
internal readonly record struct UploadResult(UploadOutcome Outcome, LtxFileInfo? File = null, ImageRequest? Image = null);
