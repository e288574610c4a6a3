namespace Tidemark.Formats;

/// <summary>The base of every failure that Tidemark reports about the world: files, databases, stores and their contents.</summary>
/// <remarks>
/// The message says where, what is wrong, and at which byte where that applies. Mistakes of a caller are reported by the argument
/// exceptions of .NET instead, and mistakes of Tidemark itself by <see cref="InvariantException"/>.
/// </remarks>
public class TidemarkException : Exception
{
    /// <summary>Creates a failure without a hint.</summary>
    public TidemarkException(string message)
        : base(message)
    {
    }

    /// <summary>Creates a failure that keeps its cause.</summary>
    public TidemarkException(string message, Exception? innerException)
        : base(message, innerException)
    {
    }

    /// <summary>Creates a failure with a hint for a person and, where there is one, its cause.</summary>
    public TidemarkException(string message, string? hint, Exception? innerException = null)
        : base(message, innerException)
        => Hint = hint;

    /// <summary>One imperative sentence that tells a person how to mend this, or null when nothing helps.</summary>
    public string? Hint { get; }

    /// <summary>True when the same call may succeed later without anybody doing anything (a busy database, a full disk, a lost
    /// connection).</summary>
    public bool IsTransient { get; init; }
}
