namespace Tidemark.Cli.Arguments;

/// <summary>A flag with a typed value.</summary>
/// <param name="name">Without dashes.</param>
/// <param name="valueName">How the help calls the value; empty for a switch.</param>
/// <param name="help">One or more sentences for the help.</param>
/// <param name="initial">The value when the flag is absent.</param>
/// <param name="parse">Throws <see cref="FormatException"/> with what would be right.</param>
internal sealed class FlagOf<T>(string name, string valueName, string help, T initial, Func<string, T> parse) : Flag(name, valueName, help)
{
    /// <summary>What the command line said, or the initial value.</summary>
    public T Value { get; private set; } = initial;

    /// <inheritdoc/>
    public override void Set(string text)
    {
        Value = parse(text);
        IsSet = true;
    }
}
