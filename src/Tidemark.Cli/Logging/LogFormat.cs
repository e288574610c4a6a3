namespace Tidemark.Cli.Logging;

/// <summary>How log lines look.</summary>
internal enum LogFormat
{
    /// <summary><c>time=… level=… msg=… key=value</c>, for people and simple tools.</summary>
    Text,

    /// <summary>One JSON object a line, for collectors.</summary>
    Json,
}
