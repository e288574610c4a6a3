namespace Tidemark.Cli.Output;

/// <summary>What <c>restore -dry-run -json</c> prints.</summary>
internal sealed record RestorePlanDocument(
    string Source, string TargetPath, string Replica, string MinTxid, string MaxTxid, IReadOnlyList<PlannedFileDocument> Files,
    string Format, string Timestamp, long Size, IReadOnlyList<string> Warnings);
