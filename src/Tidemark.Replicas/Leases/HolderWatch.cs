using System.ComponentModel;
using System.Diagnostics;
using Tidemark.Replicas.Stores;

namespace Tidemark.Replicas.Leases;

/// <summary>Tells before a replica is taken over whether the writer that holds it may still be at work.</summary>
/// <remarks>
/// <para>One that ended in order has said so in its claim. One that was killed has not: whether a process of this machine is gone, the
/// operating system knows. Of all others only what they write can be seen: one is taken to be gone when its claim and its newest file are two
/// minutes old, or, since clocks differ, when they have not changed for as long under the eyes of this run. One that lives and has nothing
/// to write is taken over then; it finds out before it writes again (<see cref="ClaimStep"/>).</para>
/// <para>A claim of the same lineage is that of an earlier run, or of one with a copy of the spool, which the claim tells later on.</para>
/// </remarks>
/// <param name="store">The replica.</param>
/// <param name="claim">The claim of this run.</param>
/// <param name="time">The clock.</param>
public sealed class HolderWatch(IReplicaStore store, ClaimStep claim, TimeProvider time)
{
    /// <summary>For how long a writer must not have written anything before it is taken to be gone.</summary>
    public static readonly TimeSpan QuietTime = TimeSpan.FromMinutes(2);

    // Clocks are set by a little now and then, and the start of a process is told by the clock of today.
    private static readonly TimeSpan s_startTolerance = TimeSpan.FromSeconds(2);

    private (WriterClaim Holder, DateTimeOffset Sign, long Since)? _seen;

    /// <summary>Throws if another writer holds the replica and is not known to be gone.</summary>
    /// <param name="newest">When the newest file there was made; null when there is none.</param>
    /// <param name="cancellationToken">Ends the call.</param>
    /// <exception cref="ReplicaHeldException">It is not.</exception>
    /// <exception cref="ReplicaStoreException">The store failed.</exception>
    public async ValueTask ThrowIfHeldAsync(DateTimeOffset? newest, CancellationToken cancellationToken)
    {
        var look = await claim.PeekAsync(cancellationToken).ConfigureAwait(false);
        if (look is not { Outcome: ClaimOutcome.OtherWriter, Found: { IsReleased: false } holder })
        {
            return;
        }

        switch (IsRunning(holder))
        {
            case true:
                throw ReplicaHeldException.IsRunning(store.Name, holder);
            case false:
                return;
        }

        var sign = newest > holder.Since ? newest.Value : holder.Since;
        var age = time.GetUtcNow() - sign;
        if (_seen is not { } seen || seen.Holder != holder || seen.Sign != sign)
        {
            _seen = seen = (holder, sign, time.GetTimestamp());
        }

        var watched = time.GetElapsedTime(seen.Since);
        var quiet = age > watched ? age : watched;
        if (quiet < QuietTime)
        {
            throw ReplicaHeldException.MayRun(store.Name, holder, QuietTime - quiet);
        }
    }

    // Null where that cannot be known: on another machine, and of another run of this very process.
    private bool? IsRunning(WriterClaim holder)
    {
        if (holder.Host != claim.Own.Host)
        {
            return null;
        }

        try
        {
            using var process = Process.GetProcessById(holder.ProcessId);
            var isSame = process.StartTime.ToUniversalTime() <= holder.Since.UtcDateTime + s_startTolerance;
            return !isSame ? false : holder.ProcessId == claim.Own.ProcessId ? null : true;
        }
        catch (Exception e) when (e is ArgumentException or InvalidOperationException)
        {
            return false; // There is no such process any more.
        }
        catch (Exception e) when (e is Win32Exception or NotSupportedException)
        {
            return null;
        }
    }
}
