using Tidemark.Formats;

namespace Tidemark.Replicas.Stores;

/// <summary>A text does not say where a replica lies, or names a kind of store that Tidemark does not have.</summary>
public sealed class StoreUrlException : TidemarkException
{
    internal StoreUrlException(string message, string? hint)
        : base(message, hint)
    {
    }
}
