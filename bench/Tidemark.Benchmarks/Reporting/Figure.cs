using System.Globalization;

namespace Tidemark.Benchmarks.Reporting;

/// <summary>One line of the table.</summary>
/// <param name="Name">What was measured.</param>
/// <param name="Value">The result.</param>
/// <param name="Goal">What it should be, or empty for a figure that only explains others.</param>
/// <param name="IsMet">Whether it is, or null without a goal.</param>
internal sealed record Figure(string Name, string Value, string Goal = "", bool? IsMet = null)
{
    /// <summary>A figure without a goal: median, and the range in which all lie.</summary>
    public static Figure Plain(string name, Sample sample, string unit) => new(name, Text(sample, unit));

    /// <summary>Two sides of one run. The median of the ratios of neighbouring runs must not exceed the goal.</summary>
    public static Figure Ratio(string name, IReadOnlyList<double> ours, IReadOnlyList<double> theirs, double goal)
    {
        var ratios = new Sample(ours.Zip(theirs, (own, other) => own / other));
        return new Figure(name, Text(ratios, "x"), Invariant($"<= {goal:0.0} x"), ratios.Median <= goal);
    }

    /// <summary>A value that must stay below the goal.</summary>
    public static Figure Below(string name, double value, double goal, string unit)
        => new(name, Invariant($"{Round(value)} {unit}"), Invariant($"< {goal:0.#} {unit}"), value < goal);

    /// <summary>A value that must not exceed the goal.</summary>
    public static Figure AtMost(string name, double value, double goal, string unit)
        => new(name, Invariant($"{Round(value)} {unit}"), Invariant($"<= {goal:0.#} {unit}"), value <= goal);

    /// <summary>A value without a goal.</summary>
    public static Figure Plain(string name, double value, string unit) => new(name, Invariant($"{Round(value)} {unit}"));

    /// <summary>Half, nearly all, and all measurements.</summary>
    public static Figure Spread(string name, Sample sample, string unit)
        => new(
            name,
            Invariant($"p50 {Round(sample.Median)}, p99 {Round(sample.At(0.99))}, max {Round(sample.Max)} {unit} ({sample.Count})"));

    private static string Text(Sample sample, string unit)
        => Invariant($"{Round(sample.Median)} {unit} ({Round(sample.Min)} to {Round(sample.Max)})");

    private static string Round(double value)
        => value.ToString(value >= 100 ? "0" : value >= 10 ? "0.0" : "0.00", CultureInfo.InvariantCulture);

    private static string Invariant(FormattableString text) => FormattableString.Invariant(text);
}
