namespace Tidemark.Cli.Arguments;

/// <summary>One flag of a command, as the parser and the help see it.</summary>
internal abstract class Flag(string name, string valueName, string help)
{
    /// <summary>Without dashes.</summary>
    public string Name { get; } = name;

    /// <summary>How the help calls the value; empty for a switch.</summary>
    public string ValueName { get; } = valueName;

    /// <summary>One or more sentences for the help.</summary>
    public string Help { get; } = help;

    /// <summary>A switch takes a value only after an equals sign.</summary>
    public bool IsSwitch => ValueName.Length == 0;

    /// <summary>Whether it stood on the command line.</summary>
    public bool IsSet { get; protected set; }

    /// <summary>Takes a value; the last one wins.</summary>
    /// <exception cref="FormatException">The text is not a value of this flag; the message says what is.</exception>
    public abstract void Set(string text);
}
