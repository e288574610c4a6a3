using System.Globalization;

namespace Tidemark.Benchmarks.Roles;

/// <summary>What a child took, as the last line of its output.</summary>
/// <param name="PeakBytes">The most memory.</param>
/// <param name="ProcessorSeconds">How long processors worked for it, in it and in the kernel.</param>
internal readonly record struct RoleUsage(long PeakBytes, double ProcessorSeconds)
{
    private const string Label = "usage";

    public static RoleUsage? TryParse(string line)
        => line.Split(' ') is [Label, var peakBytes, var processorSeconds]
            ? new RoleUsage(
                long.Parse(peakBytes, CultureInfo.InvariantCulture), double.Parse(processorSeconds, CultureInfo.InvariantCulture))
            : null;

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Label} {PeakBytes} {ProcessorSeconds:R}");
}
