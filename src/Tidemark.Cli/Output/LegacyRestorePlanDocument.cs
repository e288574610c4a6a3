namespace Tidemark.Cli.Output;

/// <summary>What <c>restore -dry-run -json</c> prints for a v0.3 replica. It has no TXIDs: those fields are empty.</summary>
internal sealed record LegacyRestorePlanDocument(
    string Source, string TargetPath, string Replica, string MinTxid, string MaxTxid, IReadOnlyList<LegacyFileDocument> Files,
    string Format, string Timestamp, long Size, IReadOnlyList<string> Warnings, string Generation);
