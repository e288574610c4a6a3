namespace Tidemark.Formats;

/// <summary>Tidemark's own belief about its state turned out to be false. It stops instead of going on with a false belief.</summary>
public sealed class InvariantException(string message) : Exception(message);
