using Tidemark.Cli.Arguments;

namespace Tidemark.Cli.Commands;

/// <summary>One word of the command line. An instance serves one call, since its flags keep what they have read.</summary>
internal abstract class Command(string name, string summary)
{
    /// <summary>The word.</summary>
    public string Name { get; } = name;

    /// <summary>What it does, in one line.</summary>
    public string Summary { get; } = summary;

    /// <summary>The forms of the command without the program and its name.</summary>
    public abstract IReadOnlyList<string> Forms { get; }

    /// <summary>A paragraph or two for the help, below the forms.</summary>
    public virtual string Description => "";

    /// <summary>Commands to copy from the help.</summary>
    public virtual IReadOnlyList<string> Examples => [];

    /// <summary>Whether the help of the program leaves it out.</summary>
    public virtual bool IsHidden => false;

    /// <summary>The flags, with their values once they are read.</summary>
    public FlagSet Flags { get; } = new(name);

    /// <summary>Does the work.</summary>
    /// <returns>The exit code.</returns>
    public abstract Task<int> RunAsync(IReadOnlyList<string> positionals, CommandHost host);

    /// <summary>Ends the call for a mistake on the command line.</summary>
    protected UsageException Misuse(string message, string? example = null) => new(message, example ?? $"tidemark {Name} -help");

    /// <summary>The database or replica that a command works on, which is its only argument.</summary>
    protected string DatabaseOrReplica(IReadOnlyList<string> positionals, string example)
        => positionals switch
        {
            [{ Length: > 0 } argument] => argument,
            { Count: > 1 } => throw Misuse("too many arguments"),
            _ => throw Misuse("database path or replica URL required", example),
        };
}
