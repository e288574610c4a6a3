namespace Tidemark.Differential.Tests;

/// <summary>What a person does to the three files.</summary>
internal enum FileTouch
{
    /// <summary>The database file alone gets other content, or another file takes its place, or the WAL goes.</summary>
    Part,

    /// <summary>The index of the WAL goes, which SQLite builds anew.</summary>
    Index,

    /// <summary>All files are copied, replaced or deleted together.</summary>
    Whole,
}
