using Microsoft.Extensions.Logging;
using Tidemark.Cli.Configuration;

namespace Tidemark.Cli.Logging;

/// <summary>Makes the log of a command.</summary>
internal static class LogSetup
{
    /// <summary>The level of the flag goes before that of LOG_LEVEL, which goes before that of the file; info is the default.</summary>
    public static LineLoggerFactory Create(LoggingConfig config, LogLevel? flag, CommandHost host)
    {
        var level = flag
            ?? (LogLevelName.TryParse(host.Variable("LOG_LEVEL") ?? "", out var named) ? named : (LogLevel?)null)
            ?? config.Level
            ?? LogLevel.Information;
        return new LineLoggerFactory(config.IsToStandardError ? host.Error : host.Output, config.Format, level, host.Time);
    }
}
