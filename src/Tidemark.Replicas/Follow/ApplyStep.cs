using Tidemark.Formats;
using Tidemark.Replicas.Files;

namespace Tidemark.Replicas.Follow;

/// <summary>Brings a database from one state to another in one moment, while others read it with SQLite.</summary>
/// <remarks>
/// <para>Others see a writer of SQLite's own kind, in rollback mode:</para>
/// <list type="number">
/// <item>RESERVED is taken: nobody else writes. Readers go on.</item>
/// <item>The old content of every page that will change goes into the journal, and the checksum of the new state is worked out from those
/// of the pages. If it is not the one that the replica tells, this ends here, and nothing was touched.</item>
/// <item>Both states are recorded (<see cref="FollowRecord"/>). The journal is made durable, then valid, then durable again.</item>
/// <item>Readers are kept out; the pages are written, the size is set, the file is made durable.</item>
/// <item>The journal is deleted. This is the moment. Then readers come in again.</item>
/// </list>
/// <para>A crash before 5 leaves a journal that SQLite, or <see cref="JournalRollback"/>, rolls back; a failure is left to them as well.
/// The first page is written always, with a new change counter: otherwise readers would believe their caches.</para>
/// <para>Memory: one bit a page and a few buffers.</para>
/// </remarks>
internal sealed class ApplyStep(OutputFile output, FollowFiles files, TimeSpan wait)
{
    private readonly IFile _file = output.File;

    /// <summary>Applies a batch.</summary>
    /// <param name="before">The state of the database; null where it is not known, which only a complete batch allows.</param>
    /// <param name="batch">The pages.</param>
    /// <param name="cancellationToken">Ends the call as long as nothing was written.</param>
    /// <exception cref="FollowMismatchException">The batch does not lead from this state to the one that it should, or the database is not
    /// in that state. Nothing was touched.</exception>
    /// <exception cref="FollowException">Others are in the way, or a file cannot be read or written. Where the database was touched, a
    /// journal lies beside it.</exception>
    public async ValueTask<ApplyResult> RunAsync(OutputState? before, IPageBatch batch, CancellationToken cancellationToken)
    {
        Invariant.Holds(before is not null || batch.IsComplete, "Without a known state, every page is needed.");
        try
        {
            using var locked = output.Lock();
            await locked.ReserveAsync(wait, cancellationToken).ConfigureAwait(false);
            if (files.HasJournal)
            {
                throw FollowException.JournalLeft(output.Path); // No writer is left that it could belong to.
            }

            if (before is not null && !output.SeemsToBe(before.Content))
            {
                throw new FollowMismatchException(FollowReason.OutputChanged, $"Somebody has written to {output.Path}.");
            }

            var plan = await PrepareAsync(before, batch, cancellationToken).ConfigureAwait(false);
            await ExcludeReadersAsync(locked, cancellationToken).ConfigureAwait(false);
            await WriteAsync(batch, plan).ConfigureAwait(false);
            files.DeleteJournal();
            return new ApplyResult(plan.After, plan.Changed.Count, plan.IsProven);
        }
        catch (Exception e) when (FileErrors.IsFileError(e))
        {
            throw FollowException.Failed("apply changes to", output.Path, e);
        }
    }

    /// <summary>Works out what will change, and makes the way back.</summary>
    private async ValueTask<ApplyPlan> PrepareAsync(OutputState? before, IPageBatch batch, CancellationToken cancellationToken)
    {
        // What is no database is one page after the other of nothing that is worth going back to.
        var (pageSize, pages) = before is null
            ? output.ReadGeometry() ?? (batch.PageSize, (uint)(_file.Length / batch.PageSize.Bytes))
            : (before.Content.Pages == 0 ? batch.PageSize : before.Content.PageSize, before.Content.Pages);
        var isDone = false;
        try
        {
            using var journal = new JournalWriter(files.CreateJournal(), pageSize, pages);
            var plan = new ApplyPlan(_file, pageSize, pages, batch, before, journal);
            await foreach (var page in batch.ReadAsync(cancellationToken).ConfigureAwait(false))
            {
                plan.Add(page.PageNumber, page.Bytes.Span);
            }

            plan.Complete();
            files.WriteRecord(new FollowRecord(before, plan.After));
            journal.Complete();
            files.SyncFolder();
            isDone = true;
            return plan;
        }
        finally
        {
            if (!isDone)
            {
                TryDeleteJournal();
            }
        }
    }

    private async ValueTask ExcludeReadersAsync(OutputLock locked, CancellationToken cancellationToken)
    {
        try
        {
            await locked.ExcludeReadersAsync(wait, cancellationToken).ConfigureAwait(false);
        }
        catch
        {
            TryDeleteJournal();
            throw;
        }
    }

    private async ValueTask WriteAsync(IPageBatch batch, ApplyPlan plan)
    {
        // From here on there is no way back but the journal, so nobody can cancel.
        await foreach (var page in batch.ReadAsync(CancellationToken.None).ConfigureAwait(false))
        {
            if (page.PageNumber > 1 && plan.Changed.Contains(page.PageNumber))
            {
                _file.Write(batch.PageSize.OffsetOf(page.PageNumber), page.Bytes.Span);
            }
        }

        _file.Write(0, plan.FirstPage);
        _file.SetLength((long)batch.Pages * batch.PageSize.Bytes);
        _file.Sync();
    }

    /// <summary>Nothing was written yet, so a journal that stays would take nothing back.</summary>
    private void TryDeleteJournal()
    {
        try
        {
            files.DeleteJournal();
        }
        catch (FollowException)
        {
            // The next round deletes it.
        }
    }
}
