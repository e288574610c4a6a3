using System.Text;
using Microsoft.Win32.SafeHandles;
using Tidemark.Cli.Output;
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
        Output = WriterTo(Console.IsOutputRedirected ? Console.OpenStandardOutput() : Terminal(1), isForResults: true),
        Error = WriterTo(Console.IsErrorRedirected ? Console.OpenStandardError() : Terminal(2), isForResults: false),
        IsErrorTerminal = !Console.IsErrorRedirected,
        Variable = Environment.GetEnvironmentVariable,
        Files = PhysicalFileSystem.Instance,
        Time = TimeProvider.System,
    };

    // The streams of Console would first set up the terminal for reading keys, with escape sequences that nobody asked for. They are right
    // for files, which a child may write to as well: a FileStream would write at places of its own.
    private static Stream Terminal(int descriptor) => OperatingSystem.IsWindows()
        ? descriptor == 1 ? Console.OpenStandardOutput() : Console.OpenStandardError()
        : new FileStream(new SafeFileHandle(descriptor, ownsHandle: false), FileAccess.Write, bufferSize: 0);

    private static TextWriter WriterTo(Stream stream, bool isForResults)
        => TextWriter.Synchronized(new StreamWriter(
            new StandardStream(stream, isForResults), new UTF8Encoding(encoderShouldEmitUTF8Identifier: false)) { AutoFlush = true });
}
