namespace Tidemark.Cli.Output;

/// <summary>What <c>restore -json</c> prints.</summary>
internal sealed record RestoreDocument(
    string DbPath, string Replica, string Txid, long DurationMs, string IntegrityCheck, string Format, string Timestamp, long Size,
    long BytesRead, bool Proven, IReadOnlyList<string> Warnings, IReadOnlyList<string> Unchecked);
