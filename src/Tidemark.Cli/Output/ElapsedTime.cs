using System.Globalization;
using Tidemark.Cli.Arguments;

namespace Tidemark.Cli.Output;

/// <summary>Durations for people.</summary>
internal static class ElapsedTime
{
    /// <summary><c>116 ms</c>, <c>4.2 s</c>, or <c>2m5s</c>.</summary>
    public static string Format(TimeSpan elapsed) => elapsed switch
    {
        { TotalMilliseconds: < 999.5 } => string.Create(CultureInfo.InvariantCulture, $"{elapsed.TotalMilliseconds:0} ms"),
        { TotalSeconds: < 59.95 } => string.Create(CultureInfo.InvariantCulture, $"{elapsed.TotalSeconds:0.0} s"),
        _ => GoDuration.Format(TimeSpan.FromSeconds(Math.Round(elapsed.TotalSeconds))),
    };
}
