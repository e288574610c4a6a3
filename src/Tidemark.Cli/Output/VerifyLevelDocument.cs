namespace Tidemark.Cli.Output;

/// <summary>A level in <see cref="VerifyDocument"/>.</summary>
internal sealed record VerifyLevelDocument(int Level, int Files, long Size, string MinTxid, string MaxTxid);
