namespace Tidemark.Benchmarks.Workloads;

/// <summary>The other side of the comparison: the system's own programs.</summary>
internal static class SystemCopy
{
    /// <summary>Copies a file with <c>cp</c> and makes the copy durable.</summary>
    /// <returns>Seconds.</returns>
    public static double Time(string source, string destination)
    {
        Machine.Settle();
        var time = TimeProvider.System;
        var started = time.GetTimestamp();
        Machine.Run("cp \"$1\" \"$2\" && sync \"$2\"", source, destination);
        return time.GetElapsedTime(started).TotalSeconds;
    }

    /// <summary>Copies all files of a folder into one with <c>cat</c> and makes that durable.</summary>
    /// <returns>Seconds.</returns>
    public static double TimeTogether(string folder, string destination)
    {
        Machine.Settle();
        var time = TimeProvider.System;
        var started = time.GetTimestamp();
        Machine.Run("cat \"$1\"/* > \"$2\" && sync \"$2\"", folder, destination);
        return time.GetElapsedTime(started).TotalSeconds;
    }
}
