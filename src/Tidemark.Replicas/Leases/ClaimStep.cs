using Tidemark.Formats;
using Tidemark.Replicas.Stores;

namespace Tidemark.Replicas.Leases;

/// <summary>Says in a replica that this run writes there, and finds out when another one does.</summary>
/// <remarks>
/// <para>Not a lock: a store has none that outlives the network, and a writer that died would keep it. Names keep files safe, since none is
/// ever written twice. The claim is how both writers come to know, and stop: a run writes its claim before the first file that it writes;
/// from then on it looks, at most once an interval and only before it writes, whether its claim is still there. If it is another run's, it
/// marks the place as contested, which the other one finds at its next look. A run that never writes disturbs nobody.</para>
/// <para>The clock only tells how old the last answer is. Thread-safe: two looks at once do no harm.</para>
/// </remarks>
/// <param name="store">The replica.</param>
/// <param name="lineage">What this writer puts into its files.</param>
/// <param name="time">The clock.</param>
/// <param name="interval">How long an answer is good.</param>
public sealed class ClaimStep(IReplicaStore store, Lineage lineage, TimeProvider time, TimeSpan interval)
{
    private long _confirmed;
    private volatile bool _isTaken;
    private volatile bool _isContestWritten;
    private volatile ReplicaConflictException? _conflict;
    private volatile ClaimResult? _finding;

    /// <summary>What this run writes.</summary>
    public WriterClaim Own { get; } = WriterClaim.ForThisProcess(lineage, time.GetUtcNow());

    /// <summary>Whether the claim was taken by this run.</summary>
    public bool IsTaken => _isTaken;

    /// <summary>What was found out of the ordinary when the claim was looked at last, or null.</summary>
    public ClaimResult? Finding => _finding;

    /// <summary>Takes the claim, whoever has it, before the run writes for the first time. From then on the same as
    /// <see cref="ConfirmNowAsync"/>.</summary>
    /// <remarks>Whether the writer before is gone cannot be known; one that is not finds out at its next look.</remarks>
    /// <exception cref="ReplicaStoreException">The store failed; whether the claim was written is not known.</exception>
    public async ValueTask<ClaimResult> TakeAsync(CancellationToken cancellationToken)
    {
        if (_isTaken)
        {
            return await ConfirmNowAsync(cancellationToken).ConfigureAwait(false);
        }

        var asked = time.GetTimestamp();
        var result = await LookAsync(cancellationToken).ConfigureAwait(false);
        await WriteUnlessOwnAsync(result, asked, cancellationToken).ConfigureAwait(false);
        _isTaken = true;
        return result;
    }

    /// <summary>Makes sure, before something is written, that this run has the claim. Asks the store only when the last answer is older than
    /// the interval.</summary>
    /// <inheritdoc cref="ConfirmNowAsync"/>
    public async ValueTask<ClaimResult> ConfirmAsync(CancellationToken cancellationToken)
        => _isTaken && _conflict is null && time.GetElapsedTime(Volatile.Read(ref _confirmed)) < interval
            ? new ClaimResult(ClaimOutcome.Own, Own)
            : await ConfirmNowAsync(cancellationToken).ConfigureAwait(false);

    /// <summary>Asks the store whether this run still has the claim, or takes it if it was not taken yet. One that vanished or cannot be read
    /// is written again.</summary>
    /// <exception cref="ReplicaConflictException">Another run has it, or had it before: nothing more may be written.</exception>
    /// <exception cref="ReplicaStoreException">The store failed.</exception>
    public async ValueTask<ClaimResult> ConfirmNowAsync(CancellationToken cancellationToken)
    {
        if (!_isTaken)
        {
            return await TakeAsync(cancellationToken).ConfigureAwait(false);
        }

        await ThrowIfLostAsync(cancellationToken).ConfigureAwait(false);
        var asked = time.GetTimestamp();
        var result = await LookAsync(cancellationToken).ConfigureAwait(false);
        if (result.Outcome is ClaimOutcome.EarlierRun or ClaimOutcome.OtherWriter or ClaimOutcome.Contested)
        {
            _isContestWritten = result.Outcome == ClaimOutcome.Contested; // Then the other one knows.
            await LoseAsync(ReplicaConflictException.OtherWriter(store.Name, Own, result.Found!), cancellationToken).ConfigureAwait(false);
        }

        await WriteUnlessOwnAsync(result, asked, cancellationToken).ConfigureAwait(false);
        return result;
    }

    /// <summary>Looks at the claim before it is taken; writes nothing.</summary>
    /// <exception cref="ReplicaStoreException">The store failed.</exception>
    public ValueTask<ClaimResult> PeekAsync(CancellationToken cancellationToken) => LookAsync(cancellationToken);

    /// <summary>Says that this run writes here no more, if it has the claim. Whoever comes next need not wait.</summary>
    /// <exception cref="ReplicaStoreException">The store failed.</exception>
    public async ValueTask ReleaseAsync(CancellationToken cancellationToken)
    {
        if (!_isTaken || _conflict is not null)
        {
            return;
        }

        if ((await LookAsync(cancellationToken).ConfigureAwait(false)).Outcome == ClaimOutcome.Own)
        {
            _isTaken = false; // Whatever follows, it has to be taken again before something is written.
            await store.WriteClaimAsync((Own with { IsReleased = true }).Format(), cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Another writer was found by what it wrote: marks the place as contested, so that the other one stops too.</summary>
    /// <param name="describe">Makes the failure from what is known of the other writer, if it has left its claim.</param>
    /// <param name="cancellationToken">Ends the call.</param>
    /// <exception cref="ReplicaConflictException">Always, unless the store fails; then at the next call.</exception>
    public async ValueTask ContestAsync(Func<WriterClaim?, ReplicaConflictException> describe, CancellationToken cancellationToken)
    {
        await ThrowIfLostAsync(cancellationToken).ConfigureAwait(false);
        WriterClaim? other = null;
        try
        {
            var look = await LookAsync(cancellationToken).ConfigureAwait(false);
            other = look.Outcome == ClaimOutcome.Own ? null : look.Found;
        }
        catch (ReplicaStoreException)
        {
            // The failure is worth telling without its name.
        }

        await LoseAsync(describe(other), cancellationToken).ConfigureAwait(false);
    }

    private async ValueTask<ClaimResult> LookAsync(CancellationToken cancellationToken)
        => Judge(await store.ReadClaimAsync(cancellationToken).ConfigureAwait(false), Own);

    private static ClaimResult Judge(string? text, WriterClaim own)
    {
        if (text is null)
        {
            return new ClaimResult(ClaimOutcome.None);
        }

        var found = WriterClaim.TryParse(text);
        var outcome = found switch
        {
            null => ClaimOutcome.Unreadable,
            _ when found.Run == own.Run => found.IsReleased ? ClaimOutcome.None : ClaimOutcome.Own,
            { IsContested: true } => ClaimOutcome.Contested,
            _ => found.Lineage == own.Lineage ? ClaimOutcome.EarlierRun : ClaimOutcome.OtherWriter,
        };
        return new ClaimResult(outcome, found);
    }

    private async ValueTask WriteUnlessOwnAsync(ClaimResult found, long asked, CancellationToken cancellationToken)
    {
        if (found.Outcome != ClaimOutcome.Own)
        {
            await store.WriteClaimAsync(Own.Format(), cancellationToken).ConfigureAwait(false);
            var isExpected = found.Outcome is ClaimOutcome.None or ClaimOutcome.EarlierRun || found.Found is { IsReleased: true };
            _finding = isExpected ? null : found;
        }

        Volatile.Write(ref _confirmed, asked);
    }

    private async ValueTask LoseAsync(ReplicaConflictException conflict, CancellationToken cancellationToken)
    {
        _conflict = conflict;
        await ThrowIfLostAsync(cancellationToken).ConfigureAwait(false);
    }

    // Whoever has found another writer stops for good, but not before it has told the other one.
    private async ValueTask ThrowIfLostAsync(CancellationToken cancellationToken)
    {
        if (_conflict is not { } conflict)
        {
            return;
        }

        if (!_isContestWritten)
        {
            await store.WriteClaimAsync((Own with { IsContested = true }).Format(), cancellationToken).ConfigureAwait(false);
            _isContestWritten = true;
        }

        throw conflict;
    }
}
