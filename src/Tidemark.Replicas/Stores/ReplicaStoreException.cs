using Tidemark.Formats;

namespace Tidemark.Replicas.Stores;

/// <summary>A store could not do what was asked. <see cref="TidemarkException.IsTransient"/> tells whether trying again can help.</summary>
public class ReplicaStoreException : TidemarkException
{
    /// <summary>Creates a failure with its cause and, where there is one, a hint.</summary>
    public ReplicaStoreException(string message, string? hint, Exception? innerException = null)
        : base(message, hint, innerException)
    {
    }
}
