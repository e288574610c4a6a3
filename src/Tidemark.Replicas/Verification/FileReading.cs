using Tidemark.Formats;
using Tidemark.Formats.Ltx;
using Tidemark.Replicas.Catalog;

namespace Tidemark.Replicas.Verification;

/// <summary>A listed file after it was read from beginning to end.</summary>
/// <param name="Info">What the listing says.</param>
/// <param name="Header">Its header; null when the file is damaged, or vanished meanwhile.</param>
/// <param name="Failure">What is wrong with it; null when it is whole, or vanished.</param>
internal sealed record FileReading(LtxFileInfo Info, LtxHeader? Header, TidemarkException? Failure);
