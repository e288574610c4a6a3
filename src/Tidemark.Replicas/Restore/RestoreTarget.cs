using System.Globalization;
using Tidemark.Formats;

namespace Tidemark.Replicas.Restore;

/// <summary>Which state of the database to restore.</summary>
public abstract record RestoreTarget
{
    private RestoreTarget()
    {
    }

    /// <summary>The newest state in the replica.</summary>
    public sealed record Latest : RestoreTarget
    {
        /// <inheritdoc/>
        public override string ToString() => "the latest state";
    }

    /// <summary>The state right after one capture, exactly.</summary>
    /// <param name="Txid">The capture; not <see cref="Formats.Txid.None"/>.</param>
    public sealed record AtTxid(Txid Txid) : RestoreTarget
    {
        /// <inheritdoc/>
        public override string ToString() => $"TXID {Txid}";
    }

    /// <summary>The newest state that files made strictly before a moment lead to.</summary>
    /// <param name="Time">The moment. A file made at exactly this time is not used.</param>
    public sealed record Before(DateTimeOffset Time) : RestoreTarget
    {
        /// <inheritdoc/>
        public override string ToString() => $"the state before {TextOf(Time)}";
    }

    /// <summary>A moment as the options of the program take it.</summary>
    internal static string TextOf(DateTimeOffset time)
        => time.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.FFFFFFF'Z'", CultureInfo.InvariantCulture);
}
