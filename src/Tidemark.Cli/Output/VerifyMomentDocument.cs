namespace Tidemark.Cli.Output;

/// <summary>A state and its time in <see cref="VerifyDocument"/>.</summary>
internal sealed record VerifyMomentDocument(string Txid, string Timestamp);
