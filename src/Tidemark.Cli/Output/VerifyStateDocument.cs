namespace Tidemark.Cli.Output;

/// <summary>An asked-for state in <see cref="VerifyDocument"/>.</summary>
internal sealed record VerifyStateDocument(
    string Target, bool Ok, string Txid, string Timestamp, long Size, bool Proven, IReadOnlyList<string> Unchecked, string? Error,
    string? Hint);
