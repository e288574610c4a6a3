namespace Tidemark.Replicas.Retention;

/// <summary>How far back a replica can be restored, and so which of its files stay.</summary>
public sealed record RetentionOptions
{
    /// <summary>How far back every moment can be restored.</summary>
    /// <value>More than zero; 24 hours by default.</value>
    /// <exception cref="ArgumentOutOfRangeException">Zero or less.</exception>
    public TimeSpan SnapshotRetention
    {
        get;
        init
        {
            ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(value, TimeSpan.Zero, nameof(SnapshotRetention));
            field = value;
        }
    } = TimeSpan.FromHours(24);

    /// <summary>How long every single capture can be restored, and how much longer than promised files stay for restores that are
    /// running.</summary>
    /// <value>5 minutes by default; zero: captures are never deleted.</value>
    /// <exception cref="ArgumentOutOfRangeException">Less than zero.</exception>
    public TimeSpan L0Retention
    {
        get;
        init
        {
            ArgumentOutOfRangeException.ThrowIfLessThan(value, TimeSpan.Zero, nameof(L0Retention));
            field = value;
        }
    } = TimeSpan.FromMinutes(5);
}
