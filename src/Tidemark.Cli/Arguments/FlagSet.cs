namespace Tidemark.Cli.Arguments;

/// <summary>The flags of one command, and the parser of its command line.</summary>
/// <remarks>
/// The rules are those of the scripts that must keep working: one dash or two; <c>-name value</c> or <c>-name=value</c>; a switch is
/// <c>-name</c> or
/// <c>-name=false</c> and never takes the next word; the last of a repeated flag wins; <c>--</c> ends the flags. Beyond them, flags may
/// also follow
/// positional arguments.
/// </remarks>
internal sealed class FlagSet(string command)
{
    private readonly List<Flag> _flags = [];

    /// <summary>In the order of declaration, which is the order of the help.</summary>
    public IReadOnlyList<Flag> Flags => _flags;

    /// <summary>Declares a switch.</summary>
    public FlagOf<bool> Switch(string name, string help) => Add(new FlagOf<bool>(name, "", help, initial: false, FlagValue.Boolean));

    /// <summary>Declares a flag whose value is taken as it is; empty when absent.</summary>
    public FlagOf<string> Text(string name, string valueName, string help)
        => Add(new FlagOf<string>(name, valueName, help, "", text => text));

    /// <summary>Declares a flag with a value of any type.</summary>
    public FlagOf<T> Value<T>(string name, string valueName, string help, T initial, Func<string, T> parse)
        => Add(new FlagOf<T>(name, valueName, help, initial, parse));

    /// <summary>Reads a command line into the flags.</summary>
    /// <exception cref="UsageException">A flag is unknown, lacks its value, or has a wrong one.</exception>
    public ParsedArguments Parse(IReadOnlyList<string> arguments)
    {
        var positionals = new List<string>();
        for (var index = 0; index < arguments.Count; index++)
        {
            var argument = arguments[index];
            if (argument == "--")
            {
                positionals.AddRange(arguments.Skip(index + 1));
                break;
            }

            if (argument.Length < 2 || argument[0] != '-')
            {
                positionals.Add(argument);
                continue;
            }

            var (name, value) = Split(argument);
            if (name is "h" or "help")
            {
                return new ParsedArguments([], IsHelp: true);
            }

            var flag = _flags.Find(candidate => candidate.Name == name) ?? throw Unknown(name);
            if (value is null)
            {
                if (flag.IsSwitch)
                {
                    value = "true";
                }
                else if (++index < arguments.Count)
                {
                    value = arguments[index];
                }
                else
                {
                    throw Wrong($"flag needs an argument: -{name}");
                }
            }

            try
            {
                flag.Set(value);
            }
            catch (FormatException e)
            {
                throw Wrong($"invalid value \"{value}\" for flag -{name}: {e.Message}", e);
            }
        }

        return new ParsedArguments(positionals, IsHelp: false);
    }

    private static (string Name, string? Value) Split(string argument)
    {
        var body = argument.AsSpan(argument.StartsWith("--", StringComparison.Ordinal) ? 2 : 1);
        var equals = body.IndexOf('=');
        return equals < 0 ? (body.ToString(), null) : (body[..equals].ToString(), body[(equals + 1)..].ToString());
    }

    private TFlag Add<TFlag>(TFlag flag)
        where TFlag : Flag
    {
        _flags.Add(flag);
        return flag;
    }

    private UsageException Unknown(string name)
    {
        var nearest = NearestWord.Of(name, _flags.Select(flag => flag.Name));
        return Wrong($"flag provided but not defined: -{name}{(nearest is null ? "" : $"; -{nearest} is one")}");
    }

    private UsageException Wrong(string message, Exception? cause = null) => new(message, $"tidemark {command} -help", cause);
}
