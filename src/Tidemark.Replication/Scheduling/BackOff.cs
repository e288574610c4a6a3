namespace Tidemark.Replication.Scheduling;

/// <summary>How long to wait after failures: doubling, up to a cap, with up to a quarter of jitter so that many databases do not retry in
/// step.</summary>
internal sealed class BackOff(TimeSpan delayMin, TimeSpan delayMax, Random random)
{
    private int _failures;

    /// <summary>The last try succeeded.</summary>
    public void Reset() => _failures = 0;

    /// <summary>The last try failed; how long to wait before the next.</summary>
    public TimeSpan Next()
    {
        var doubled = delayMin * Math.Pow(2, Math.Min(_failures++, 30));
        var capped = doubled < delayMax ? doubled : delayMax;
        return capped * (1 - (random.NextDouble() / 4));
    }
}
