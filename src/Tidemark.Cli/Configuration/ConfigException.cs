using Tidemark.Formats;

namespace Tidemark.Cli.Configuration;

/// <summary>A configuration file cannot be used. The message names every fault with its line.</summary>
internal sealed class ConfigException(string message, string? hint = null, Exception? innerException = null)
    : TidemarkException(message, hint, innerException);
