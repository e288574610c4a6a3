using System.Runtime.InteropServices;

namespace Tidemark.Cli.Processes;

/// <summary>The descriptors 0, 1 and 2, which a caller may have closed.</summary>
internal static partial class StandardDescriptors
{
    private const int Count = 3;
    private const int ReadAndWrite = 2;
    private const int GetFlags = 1;
    private const int CloseOnExec = 1;

    /// <summary>Makes closed ones like <c>/dev/null</c>, before anything of ours opens a file: it would get the number of a standard
    /// stream, and what is written to the stream would be written into a database.</summary>
    /// <remarks>The runtime has opened files of its own by now, which may have got such a number and cannot be moved. So the program begins
    /// anew, with all three open. Children inherit them.</remarks>
    /// <param name="arguments">Those of the program.</param>
    public static void Secure(IReadOnlyList<string> arguments)
    {
        if (OperatingSystem.IsWindows() || Enumerable.Range(0, Count).All(IsInherited) || Environment.ProcessPath is not { } program)
        {
            return;
        }

        var nothing = Open("/dev/null", ReadAndWrite);
        foreach (var descriptor in Enumerable.Range(0, Count).Where(descriptor => !IsInherited(descriptor)))
        {
            _ = Duplicate(nothing, descriptor);
        }

        if (nothing >= Count)
        {
            _ = Close(nothing);
        }

        if (Enumerable.Range(0, Count).All(IsInherited)) // Else it would begin anew for ever.
        {
            _ = Execute(program, [program, .. arguments, null]);
        }
    }

    // Whatever the runtime opens is closed in a new program; what comes from the caller was not.
    private static bool IsInherited(int descriptor) => Control(descriptor, GetFlags) is >= 0 and var flags && (flags & CloseOnExec) == 0;

    [LibraryImport("libc", EntryPoint = "fcntl")]
    private static partial int Control(int descriptor, int command);

    [LibraryImport("libc", EntryPoint = "open", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Open(string path, int flags);

    [LibraryImport("libc", EntryPoint = "dup2")]
    private static partial int Duplicate(int descriptor, int number);

    [LibraryImport("libc", EntryPoint = "close")]
    private static partial int Close(int descriptor);

    [LibraryImport("libc", EntryPoint = "execv", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Execute(string path, string?[] arguments);
}
