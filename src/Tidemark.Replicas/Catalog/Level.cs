using System.Globalization;

namespace Tidemark.Replicas.Catalog;

/// <summary>How far files are compacted: 0 as captured, 1 to 8 compacted, 9 snapshots (files that hold every page, from TXID 1).</summary>
public readonly record struct Level : IComparable<Level>
{
    /// <summary>How many levels there are.</summary>
    public const int Count = 10;

    /// <summary>Makes a level.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Not from 0 to 9.</exception>
    public Level(int value)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(value);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(value, Count);
        Value = value;
    }

    /// <summary>Files as captured: one TXID each.</summary>
    public static Level Captured => default;

    /// <summary>Files that hold every page.</summary>
    public static Level Snapshots => new(Count - 1);

    /// <summary>All levels, ascending.</summary>
    public static IEnumerable<Level> All => Enumerable.Range(0, Count).Select(value => new Level(value));

    /// <summary>From 0 to 9.</summary>
    public int Value { get; }

    /// <inheritdoc/>
    public int CompareTo(Level other) => Value.CompareTo(other.Value);

    /// <summary>One decimal digit.</summary>
    public override string ToString() => Value.ToString(CultureInfo.InvariantCulture);

    /// <summary>Compares by number.</summary>
    public static bool operator <(Level left, Level right) => left.Value < right.Value;

    /// <summary>Compares by number.</summary>
    public static bool operator >(Level left, Level right) => left.Value > right.Value;

    /// <summary>Compares by number.</summary>
    public static bool operator <=(Level left, Level right) => left.Value <= right.Value;

    /// <summary>Compares by number.</summary>
    public static bool operator >=(Level left, Level right) => left.Value >= right.Value;
}
