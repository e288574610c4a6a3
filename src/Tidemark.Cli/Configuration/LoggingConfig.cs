using Microsoft.Extensions.Logging;
using Tidemark.Cli.Logging;

namespace Tidemark.Cli.Configuration;

/// <summary>The section <c>logging</c>.</summary>
internal sealed record LoggingConfig
{
    /// <value>Events below this level are not written; null when the file does not say.</value>
    public LogLevel? Level { get; init; }

    /// <value>Text by default.</value>
    public LogFormat Format { get; init; }

    /// <value>False by default: the log goes to standard output.</value>
    public bool IsToStandardError { get; init; }
}
