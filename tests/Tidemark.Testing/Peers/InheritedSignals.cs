using System.Globalization;
using System.Runtime.InteropServices;

namespace Tidemark.Testing.Peers;

/// <summary>Signals that this process was started deaf to, as shells start what runs in the background.</summary>
public static class InheritedSignals
{
    /// <summary>Gives them their default again, so that programs that a test starts from now on hear them as they would in front of a
    /// person.</summary>
    public static void Restore()
    {
        if (!OperatingSystem.IsLinux())
        {
            return;
        }

        const string Ignored = "SigIgn:";
        var line = File.ReadLines("/proc/self/status").First(line => line.StartsWith(Ignored, StringComparison.Ordinal));
        var set = ulong.Parse(line[Ignored.Length..].Trim(), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture);
        foreach (var signal in (ReadOnlySpan<int>)[1, 2, 3, 15]) // SIGHUP, SIGINT, SIGQUIT and SIGTERM.
        {
            if ((set >> (signal - 1) & 1) == 1)
            {
                _ = SetDisposition(signal, 0);
            }
        }
    }

    // Of the standard library of C. Nothing is marshalled.
    [DllImport("libc", EntryPoint = "signal")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern nint SetDisposition(int signal, nint disposition);
}
