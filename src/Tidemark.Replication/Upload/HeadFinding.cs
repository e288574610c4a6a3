namespace Tidemark.Replication.Upload;

/// <summary>What a comparison of a destination with the spool has found.</summary>
/// <param name="Need">The image without which nothing can follow what lies there, or null when captures can, as far as is known.</param>
/// <param name="IsConfirmed">Whether that holds for the next capture too. Otherwise it is looked at when there is one.</param>
internal readonly record struct HeadFinding(ImageRequest? Need, bool IsConfirmed);
