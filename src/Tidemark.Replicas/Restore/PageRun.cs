namespace Tidemark.Replicas.Restore;

/// <summary>Consecutive pages of a part that are written to the database at once.</summary>
/// <param name="Index">Which page of the part is the first.</param>
/// <param name="Count">How many pages.</param>
internal readonly record struct PageRun(int Index, int Count);
