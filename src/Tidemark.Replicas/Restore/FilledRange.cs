namespace Tidemark.Replicas.Restore;

/// <summary>A range that was read.</summary>
/// <param name="Range">Which one.</param>
/// <param name="Buffer">Holds its bytes, and belongs to the <see cref="ReadAhead"/>.</param>
/// <param name="Length">How many they are.</param>
internal readonly record struct FilledRange(FileRange Range, byte[] Buffer, int Length)
{
    /// <summary>Whether nothing of the file follows: it was the last one, or the file ended in it.</summary>
    public bool EndsFile => Range.IsLast || Length < Range.SizeBytes;
}
