using System.Diagnostics.CodeAnalysis;
using Microsoft.Extensions.Logging;

namespace Tidemark.Cli.Logging;

/// <summary>Names of log levels.</summary>
internal static class LogLevelName
{
    /// <summary>Reads a name in any case.</summary>
    [SuppressMessage("Globalization", "CA1308", Justification = "The names are written in lower case.")]
    public static bool TryParse(string text, out LogLevel level)
    {
        (var isKnown, level) = text.ToLowerInvariant() switch
        {
            "trace" => (true, LogLevel.Trace),
            "debug" => (true, LogLevel.Debug),
            "info" => (true, LogLevel.Information),
            "warn" or "warning" => (true, LogLevel.Warning),
            "error" => (true, LogLevel.Error),
            _ => (false, LogLevel.Information),
        };
        return isKnown;
    }

    /// <summary>As log lines show it.</summary>
    public static string Of(LogLevel level) => level switch
    {
        LogLevel.Trace => "TRACE",
        LogLevel.Debug => "DEBUG",
        LogLevel.Warning => "WARN",
        LogLevel.Error or LogLevel.Critical => "ERROR",
        _ => "INFO",
    };
}
