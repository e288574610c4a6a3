namespace Tidemark.Cli.Output;

/// <summary>A generation of a replica of Litestream 0.3 in <see cref="VerifyDocument"/>.</summary>
internal sealed record VerifyGenerationDocument(
    string Generation, int Snapshots, int WalFiles, long Size, int RestorableStates, string Oldest, string Newest);
