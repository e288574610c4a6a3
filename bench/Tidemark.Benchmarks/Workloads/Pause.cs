namespace Tidemark.Benchmarks.Workloads;

/// <summary>Lets the calling thread rest.</summary>
internal static class Pause
{
    public static void For(TimeSpan duration)
    {
        using var never = new ManualResetEvent(initialState: false);
        never.WaitOne(duration);
    }
}
