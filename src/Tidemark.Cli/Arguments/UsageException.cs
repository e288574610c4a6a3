using Tidemark.Formats;

namespace Tidemark.Cli.Arguments;

/// <summary>The command line is wrong. The example shows a right one.</summary>
internal sealed class UsageException(string message, string example, Exception? innerException = null)
    : TidemarkException(message, innerException)
{
    /// <summary>A command to try instead.</summary>
    public string Example { get; } = example;
}
