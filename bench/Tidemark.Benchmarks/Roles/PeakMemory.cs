using System.Globalization;

namespace Tidemark.Benchmarks.Roles;

/// <summary>The most memory that this process has ever held, by the kernel's own count.</summary>
internal static class PeakMemory
{
    /// <summary>Bytes; everything counts that was resident at once, the runtime and its libraries included.</summary>
    public static long Read()
    {
        const string Label = "VmHWM:";
        var line = File.ReadLines("/proc/self/status").First(line => line.StartsWith(Label, StringComparison.Ordinal));
        return long.Parse(line.AsSpan(Label.Length, line.Length - Label.Length - "kB".Length).Trim(), CultureInfo.InvariantCulture) * 1024;
    }
}
