using Tidemark.Replicas.Files;

namespace Tidemark.Cli;

/// <summary>The world of a command: everything outside the program that it may touch.</summary>
internal sealed record CommandHost
{
    /// <value>Results, and the log of <c>replicate</c>.</value>
    public required TextWriter Output { get; init; }

    /// <value>Errors, hints and progress.</value>
    public required TextWriter Error { get; init; }

    /// <value>Whether somebody looks at <see cref="Error"/>.</value>
    public required bool IsErrorTerminal { get; init; }

    /// <value>Gives an environment variable, or null.</value>
    public required Func<string, string?> Variable { get; init; }

    /// <value>The files of this machine.</value>
    public required IFileSystem Files { get; init; }

    /// <value>The clock.</value>
    public required TimeProvider Time { get; init; }

    /// <summary>The process as it is.</summary>
    public static CommandHost ForProcess() => new()
    {
        Output = Console.Out,
        Error = Console.Error,
        IsErrorTerminal = !Console.IsErrorRedirected,
        Variable = Environment.GetEnvironmentVariable,
        Files = PhysicalFileSystem.Instance,
        Time = TimeProvider.System,
    };
}
