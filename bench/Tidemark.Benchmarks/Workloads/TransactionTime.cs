namespace Tidemark.Benchmarks.Workloads;

/// <summary>When a transaction ran, by the system's timestamps.</summary>
internal readonly record struct TransactionTime(long Started, long Ended)
{
    public double Milliseconds => TimeProvider.System.GetElapsedTime(Started, Ended).TotalMilliseconds;

    /// <summary>Whether it ran at some moment between two timestamps.</summary>
    public bool Overlaps(long from, long to) => Started <= to && Ended >= from;
}
