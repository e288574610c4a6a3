using Tidemark.Cli.Arguments;
using Tidemark.Cli.Configuration;

namespace Tidemark.Cli.Commands;

/// <summary>The two flags of every command that reads a configuration file.</summary>
internal sealed class ConfigFlags(FlagSet flags)
{
    private readonly FlagOf<string> _path = flags.Text("config", "PATH",
        "The configuration file. Otherwise TIDEMARK_CONFIG or LITESTREAM_CONFIG names it, "
        + "or it is /etc/tidemark.yml or /etc/litestream.yml.");

    private readonly FlagOf<bool> _isLiteral = flags.Switch("no-expand-env",
        "Leave $NAME and ${NAME} in the configuration file as they are.");

    /// <summary>Whether a file was named on the command line.</summary>
    public bool IsGiven => _path.IsSet;

    /// <summary>Reads the file; null when nothing names one, and none lies in the usual places.</summary>
    /// <exception cref="ConfigException">It is named and missing, or wrong.</exception>
    public TidemarkConfig? TryRead(CommandHost host)
        => ConfigLocation.IsThere(_path.Value, host.Files, host.Variable) ? Read(host) : null;

    /// <summary>Reads the file.</summary>
    /// <exception cref="ConfigException">It is missing or wrong.</exception>
    public TidemarkConfig Read(CommandHost host)
        => new ConfigReader(host.Files, host.Variable).Read(ConfigLocation.Find(_path.Value, host.Files, host.Variable), !_isLiteral.Value);
}
