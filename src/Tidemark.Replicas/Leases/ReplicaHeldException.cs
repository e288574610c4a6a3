using System.Globalization;
using Tidemark.Formats;

namespace Tidemark.Replicas.Leases;

/// <summary>A replica belongs to another writer, which is not known to be gone. Trying again helps when it is.</summary>
public sealed class ReplicaHeldException : TidemarkException
{
    private const string Force = "To take the place over all the same, run it once with -once -take-over.";

    private ReplicaHeldException(string message, string hint)
        : base(message, hint) => IsTransient = true;

    /// <summary>The other process runs on this machine.</summary>
    public static ReplicaHeldException IsRunning(string store, WriterClaim holder)
        => new(
            $"{store}: another process of this machine replicates to this place: {holder}.",
            $"Stop it, or use another URL. {Force}");

    /// <summary>Nobody can tell here whether the other process runs, and it may have written a moment ago.</summary>
    public static ReplicaHeldException MayRun(string store, WriterClaim holder, TimeSpan remaining)
        => new(
            $"{store}: another process may still replicate to this place: {holder}.",
            string.Create(
                CultureInfo.InvariantCulture,
                $"If it is gone, the place is free {Math.Ceiling(remaining.TotalSeconds):0} seconds from now: until then, see whether it writes. ")
            + $"Otherwise stop it, or use another URL. {Force}");
}
