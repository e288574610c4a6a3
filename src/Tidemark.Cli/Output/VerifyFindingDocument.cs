namespace Tidemark.Cli.Output;

/// <summary>Something that was noticed, in <see cref="VerifyDocument"/>.</summary>
internal sealed record VerifyFindingDocument(string? File, string MinTxid, string MaxTxid, string Message, string? Hint);
