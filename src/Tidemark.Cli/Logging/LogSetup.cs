using Microsoft.Extensions.Logging;
using Tidemark.Cli.Configuration;
using Tidemark.Replicas.Files;

namespace Tidemark.Cli.Logging;

/// <summary>Makes the log of a command.</summary>
internal static class LogSetup
{
    /// <summary>The level of the flag goes before that of LOG_LEVEL, which goes before that of the file; info is the default.</summary>
    /// <remarks>A LOG_LEVEL without meaning is only warned of: the variable may be there for another program.</remarks>
    public static LineLoggerFactory Create(LoggingConfig config, LogLevel? flag, CommandHost host)
    {
        var name = host.Variable("LOG_LEVEL") ?? "";
        var variable = LogLevelName.TryParse(name, out var named) ? named : (LogLevel?)null;
        var loggers = new LineLoggerFactory(config.IsToStandardError ? host.Error : host.Output, config.Format,
            flag ?? variable ?? config.Level ?? LogLevel.Information, host.Time);
        if (flag is null && variable is null && name.Length > 0)
        {
            loggers.CreateLogger("log").UnknownLogLevel(name);
        }

        if (host.Files is PhysicalFileSystem files)
        {
            var logger = loggers.CreateLogger("files");
            files.DidWithout = (shortcoming, path) => logger.FileSystemLacks(path, Log.Describe(shortcoming));
        }

        return loggers;
    }
}
