using System.Runtime.CompilerServices;

namespace Tidemark.Formats;

/// <summary>Formats the text of a broken <see cref="Invariant"/>, and does nothing while the invariant holds.</summary>
[InterpolatedStringHandler]
public ref struct InvariantMessage
{
    private DefaultInterpolatedStringHandler _text;
    private readonly bool _isBroken;

    /// <summary>Called by the compiler.</summary>
    public InvariantMessage(int literalLength, int formattedCount, bool condition, out bool isBroken)
    {
        _isBroken = isBroken = !condition;
        _text = isBroken ? new DefaultInterpolatedStringHandler(literalLength, formattedCount) : default;
    }

    /// <summary>Called by the compiler.</summary>
    public void AppendLiteral(string value) => _text.AppendLiteral(value);

    /// <summary>Called by the compiler.</summary>
    public void AppendFormatted<T>(T value) => _text.AppendFormatted(value);

    /// <summary>The text, or an empty string while the invariant holds.</summary>
    public override string ToString() => _isBroken ? _text.ToStringAndClear() : "";
}
