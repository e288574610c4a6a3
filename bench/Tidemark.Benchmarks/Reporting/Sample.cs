namespace Tidemark.Benchmarks.Reporting;

/// <summary>Repeated measurements of one thing. A noisy machine shows in the distance between median and extremes.</summary>
internal sealed class Sample(IEnumerable<double> values)
{
    private readonly double[] _sorted = [.. values.Order()];

    /// <summary>How many measurements.</summary>
    public int Count => _sorted.Length;

    public double Min => At(0);

    public double Median => At(0.5);

    public double Max => At(1);

    /// <summary>The value that a fraction of all measurements does not exceed: the nearest rank, so it was really measured.</summary>
    public double At(double fraction)
        => _sorted.Length == 0 ? double.NaN : _sorted[Math.Clamp((int)Math.Ceiling(fraction * _sorted.Length) - 1, 0, _sorted.Length - 1)];
}
