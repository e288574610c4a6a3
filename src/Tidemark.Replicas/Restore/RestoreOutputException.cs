using System.Globalization;
using Tidemark.Formats;
using Tidemark.Replicas.Files;

namespace Tidemark.Replicas.Restore;

/// <summary>The restored database cannot be put where it should go.</summary>
public sealed class RestoreOutputException : TidemarkException
{
    private const string ForceHint = "Use -force to overwrite.";

    private RestoreOutputException(string message, string? hint, Exception? cause = null)
        : base(message, hint, cause)
    {
    }

    internal static RestoreOutputException IsDirectory(string path)
        => new($"Cannot restore, output path is a directory: {path}.", "Name a file in it.");

    internal static RestoreOutputException IsNoFile(string path, FileKind kind)
    {
        var what = kind switch
        {
            FileKind.Pipe => "a named pipe",
            FileKind.Socket => "a socket",
            _ => "a device",
        };
        return new($"Cannot restore, output path is {what} and not a file: {path}.", "A database needs a file: name another path.");
    }

    internal static RestoreOutputException Exists(string path)
        => new($"Cannot restore, output path already exists and is not empty: {path}.", ForceHint);

    internal static RestoreOutputException SidecarExists(string path)
        => new($"Cannot restore, SQLite sidecar path already exists: {path}.", ForceHint);

    internal static RestoreOutputException IsOpen(string path, FileUse use)
    {
        var who = use switch
        {
            { IsByThisProcess: true } => "this process itself",
            { ProcessId: { } id } => string.Create(CultureInfo.InvariantCulture, $"process {id}"),
            _ => "a process that cannot be seen from here (another container, perhaps)",
        };
        return new(
            $"Cannot restore, {who} has the output open: {path}.",
            "End it, or restore to another path. With -force-in-use the output is replaced all the same: then whoever has it open goes on with "
            + "the old database, loses what they write to it, and can damage the new one.");
    }

    internal static RestoreOutputException Failed(string action, string path, Exception cause)
        => new($"Cannot {action} {path}: {cause.Message}", FileErrors.HintFor(cause, path), cause)
        {
            IsTransient = FileErrors.IsTransient(cause),
        };
}
