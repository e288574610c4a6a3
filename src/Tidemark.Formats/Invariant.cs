using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;

namespace Tidemark.Formats;

/// <summary>Checks that stay on in release builds, because a recovery tool that continues on a false belief is worse than one that
/// stops.</summary>
public static class Invariant
{
    /// <summary>Throws unless <paramref name="condition"/> holds. The text is built only on failure.</summary>
    /// <exception cref="InvariantException">The condition is false.</exception>
    public static void Holds(
        [DoesNotReturnIf(false)] bool condition,
        [InterpolatedStringHandlerArgument(nameof(condition))] ref InvariantMessage message)
    {
        if (!condition)
        {
            throw new InvariantException(message.ToString());
        }
    }

    /// <summary>Throws unless <paramref name="condition"/> holds.</summary>
    /// <exception cref="InvariantException">The condition is false.</exception>
    public static void Holds([DoesNotReturnIf(false)] bool condition, string message)
    {
        if (!condition)
        {
            throw new InvariantException(message);
        }
    }
}
