using Tidemark.Formats;
using Tidemark.Formats.Database;
using Tidemark.Formats.Ltx;
using Tidemark.Replicas.Catalog;
using Tidemark.Replicas.Files;
using Tidemark.Replicas.Restore;
using Tidemark.Replicas.Stores;

namespace Tidemark.Replicas.Follow;

/// <summary>Brings a followed database up to its replica: one bounded round at a time.</summary>
/// <remarks>
/// <para>After a failure the database is in the state that it had, or a journal lies beside it that takes it back there. Where the failure
/// may have touched it, the next round reads it as a whole.</para>
/// <para>It keeps one handle on the database until it is disposed. In a process that also reads the database with SQLite, dispose it after
/// the last connection was closed: closing the handle drops SQLite's locks. Not thread-safe.</para>
/// </remarks>
/// <param name="store">The replica.</param>
/// <param name="files">Where the database lies.</param>
/// <param name="time">The clock, for waiting for readers.</param>
/// <param name="options">Which database, and how.</param>
public sealed class FollowStep(IReplicaStore store, IFileSystem files, TimeProvider time, FollowOptions options) : IDisposable
{
    /// <summary>Every so many rounds all levels are listed, though level 0 shows nothing new: a replaced replica is noticed so.</summary>
    private const int RoundsBetweenListings = 60;

    private const int TriesMax = 4;

    private readonly FollowFiles _files = new(files, options.OutputPath);
    private readonly FullImage _image = new(store, files, time, options);
    private OutputFile? _output;
    private (ulong Device, ulong Number)? _identity;
    private OutputState? _state;
    private int _roundsSinceListing;
    private Txid? _reported;

    /// <summary>The state of the database, where it is known.</summary>
    public Txid Txid => _state?.Txid ?? Txid.None;

    /// <summary>Whether a round has found the database in a known state, or brought it to one.</summary>
    public bool HasFoundState { get; private set; }

    /// <summary>Restores, resumes, or applies what is new.</summary>
    /// <exception cref="FollowException">The database may not be touched, others are in the way, or it cannot be written.</exception>
    /// <exception cref="NoMatchingBackupException">The replica is empty.</exception>
    /// <exception cref="ReplicaHoleException">A restore is needed, and files for it are missing while later ones are there.</exception>
    /// <exception cref="LtxFormatException">A file is damaged, and no way leads around it.</exception>
    /// <exception cref="DamagedFileException">A restore is needed, and a file for it is damaged that no others stand in for.</exception>
    /// <exception cref="RestoreVerificationException">The files for a restore do not fit together.</exception>
    /// <exception cref="RestoreOutputException">A restored database cannot be put where it should go.</exception>
    /// <exception cref="ReplicaStoreException">The store cannot be read.</exception>
    public async ValueTask<FollowPosition> RunAsync(CancellationToken cancellationToken)
    {
        var position = await RunRoundAsync(cancellationToken).ConfigureAwait(false);
        _reported = position.Txid;
        return position;
    }

    /// <inheritdoc/>
    public void Dispose() => Close();

    private async ValueTask<FollowPosition> RunRoundAsync(CancellationToken cancellationToken)
    {
        var knowledge = await LookAsync(cancellationToken).ConfigureAwait(false);
        HasFoundState |= knowledge == OutputKnowledge.Known;
        var damaged = new List<DamagedFile>();
        for (var tries = 1; ; tries++)
        {
            var listed = knowledge is OutputKnowledge.Known or OutputKnowledge.Claimed
                ? await ListAsync(tries > 1, cancellationToken).ConfigureAwait(false)
                : [];
            if (listed is null)
            {
                return Position(FollowOutcome.Idle, Txid);
            }

            LtxFileInfo[] usable = [.. listed.Where(file => damaged.TrueForAll(other => other.File.Key != file.Key))];
            var decision = FollowDecision.From(new FollowObservation(knowledge, Txid, options.Overwrite, usable));
            try
            {
                var position = decision switch
                {
                    FollowDecision.Restore => await ReplaceAsync(FollowReason.None, cancellationToken).ConfigureAwait(false),
                    FollowDecision.RefuseOutput => throw _files.Refusal(),
                    FollowDecision.Apply apply => await ApplyAsync(apply.Chain, cancellationToken).ConfigureAwait(false),
                    FollowDecision.RestoreAgain when knowledge == OutputKnowledge.Claimed
                        => await RestoreAgainAsync(WhyUnproven(), cancellationToken).ConfigureAwait(false),
                    _ when damaged is [.., var last]
                        => await RestoreAroundAsync(usable, last.Failure, cancellationToken).ConfigureAwait(false),
                    FollowDecision.RestoreAgain again => await RestoreAgainAsync(again.Reason, cancellationToken).ConfigureAwait(false),
                    _ => Position(Txid == _reported ? FollowOutcome.Idle : FollowOutcome.Resumed, Txid),
                };
                damaged.ForEach(file => options.OnDamagedFile?.Invoke(file));
                return position;
            }
            catch (FollowMismatchException e)
            {
                var reason = knowledge == OutputKnowledge.Claimed ? WhyUnproven() : e.Reason;
                return await RestoreAgainAsync(reason, cancellationToken).ConfigureAwait(false);
            }
            catch (ReplicaFileNotFoundException) when (decision is FollowDecision.Apply && tries < TriesMax)
            {
                // Retention or compaction has removed a file of the chain.
            }
            catch (LtxFormatException e) when (decision is FollowDecision.Apply apply && tries < TriesMax
                && apply.Chain.Files.Any(file => PlannedFile.NameOf(store, file) == e.File))
            {
                damaged.Add(new DamagedFile(apply.Chain.Files.First(file => PlannedFile.NameOf(store, file) == e.File), e));
            }
        }
    }

    /// <summary>Finds out what the database is. It is read as a whole once, and then believed as long as its first page is as it
    /// was.</summary>
    private async ValueTask<OutputKnowledge> LookAsync(CancellationToken cancellationToken)
    {
        if (_state is { } before && IsSameFile() && !_files.HasJournal && !_files.HasWal)
        {
            return KnowledgeOf(before); // What was only claimed in a round that has failed is no more than that.
        }

        _state = null;
        if (_files.Facts is null)
        {
            return OutputKnowledge.Missing;
        }

        var (noted, record) = (_files.ReadTxid(), _files.ReadRecord());
        if (noted is null && record is null)
        {
            return OutputKnowledge.Foreign;
        }

        Open();
        await JournalRollback.RunAsync(_output!, _files, options.ReaderWait, cancellationToken).ConfigureAwait(false);
        var content = _files.HasWal ? null : await ReadContentAsync(cancellationToken).ConfigureAwait(false);
        if (content is { } known && record?.Find(known) is { } state)
        {
            // A crash may have come before the TXID was noted.
            _state = state;
            if (noted != state.Txid)
            {
                _files.WriteTxid(state.Txid);
            }
        }
        else if (content is { Pages: > 0 } other && noted is { } txid && record is null)
        {
            // The original's follower leaves nothing but the TXID, and may be one batch ahead of it. So does a database that somebody has
            // copied here, so it is only a claim. Where there is a record, the TXID may be that of a state which somebody has changed, before
            // it was begun to restore another one.
            _state = new OutputState(txid, Lineage.None, other, null);
        }

        return _state is { } found ? KnowledgeOf(found) : noted is null ? OutputKnowledge.Foreign : OutputKnowledge.Changed;
    }

    private static OutputKnowledge KnowledgeOf(OutputState state)
        => state.SourceChecksum is null ? OutputKnowledge.Claimed : OutputKnowledge.Known;

    private FollowReason WhyUnproven()
        => _files.HasRecord && _files.ReadRecord() is null ? FollowReason.RecordDamaged : FollowReason.Unproven;

    private async ValueTask<OutputContent?> ReadContentAsync(CancellationToken cancellationToken)
    {
        using var locked = _output!.Lock();
        await locked.ReserveAsync(options.ReaderWait, cancellationToken).ConfigureAwait(false);
        try
        {
            return OutputFile.ReadContent(_output.File, cancellationToken);
        }
        catch (Exception e) when (FileErrors.IsFileError(e))
        {
            throw FollowException.Failed("read", _files.Path, e);
        }
    }

    /// <summary>Lists what can matter; null when nothing can have changed.</summary>
    private async ValueTask<IReadOnlyList<LtxFileInfo>?> ListAsync(bool all, CancellationToken cancellationToken)
    {
        if (!all && Txid == _reported && ++_roundsSinceListing < RoundsBetweenListings)
        {
            // The newest file of level 0 always stays, so that where not even it is there, the replica is gone or was replaced.
            var (captured, isThere) = (new List<LtxFileInfo>(), false);
            await foreach (var file in store.ListAsync(Level.Captured, Txid, cancellationToken).ConfigureAwait(false))
            {
                if (file.MinTxid == Txid)
                {
                    isThere = true;
                    continue;
                }

                captured.Add(file);
                if (captured.Count > FollowChain.FilesMax)
                {
                    break; // Files of higher levels are cheaper.
                }
            }

            if (captured.Count == 0 && isThere)
            {
                return null;
            }

            if (captured.Count > 0 && captured[0].MinTxid == Txid.Next() && captured.Count <= FollowChain.FilesMax)
            {
                return captured;
            }
        }

        _roundsSinceListing = 0;
        return await ReplicaListing.ReadAllAsync(store, cancellationToken).ConfigureAwait(false);
    }

    private async ValueTask<FollowPosition> ApplyAsync(FollowChain chain, CancellationToken cancellationToken)
    {
        var batch = await MergedBatch.StageAsync(store, chain.Files, _state!, _files, cancellationToken).ConfigureAwait(false);
        await using (batch.ConfigureAwait(false))
        {
            var previous = Txid;
            var result = await WriteAsync(_state, batch, cancellationToken).ConfigureAwait(false);
            return Finish(FollowOutcome.Applied, FollowReason.None, previous, batch, result) with
            {
                HasMore = chain.HasMore || batch.HasMore,
            };
        }
    }

    private ValueTask<FollowPosition> RestoreAroundAsync(
        IReadOnlyList<LtxFileInfo> usable, TidemarkException damage, CancellationToken cancellationToken)
    {
        // It is worth it only if it leads further.
        return usable.Any(file => file.Level == Level.Snapshots && file.MaxTxid > Txid)
            ? RestoreInPlaceAsync(usable, FollowReason.FileDamaged, cancellationToken)
            : throw damage;
    }

    private ValueTask<FollowPosition> RestoreAgainAsync(FollowReason reason, CancellationToken cancellationToken)
    {
        // SQLite would play a WAL into the database whatever is written there, so the database is replaced.
        return _files.HasWal ? ReplaceAsync(reason, cancellationToken) : RestoreInPlaceAsync(null, reason, cancellationToken);
    }

    /// <summary>Writes the newest state over the database, as an application would: readers that have it open see it.</summary>
    private async ValueTask<FollowPosition> RestoreInPlaceAsync(
        IReadOnlyList<LtxFileInfo>? known, FollowReason reason, CancellationToken cancellationToken)
    {
        var previous = Txid;
        var image = await _image.BuildAsync(_files.Path, known, overwrite: true, mayBeOpen: true, cancellationToken).ConfigureAwait(false);
        await using (image.ConfigureAwait(false))
        {
            Open();
            var result = await WriteAsync(null, image, cancellationToken).ConfigureAwait(false);
            return Finish(FollowOutcome.RestoredAgain, reason, previous, image, result);
        }
    }

    /// <summary>Puts the newest state where nothing is, or in the place of what nobody should go on using.</summary>
    private async ValueTask<FollowPosition> ReplaceAsync(FollowReason reason, CancellationToken cancellationToken)
    {
        var isOurs = _files.ReadTxid() is not null || _files.ReadRecord() is not null;
        Close(); // Who looks for others that have the database open must not find this process.
        var image = await _image.BuildAsync(_files.Path, null, isOurs || options.Overwrite, options.OverwriteOpen, cancellationToken)
            .ConfigureAwait(false);
        await using (image.ConfigureAwait(false))
        {
            var state = Stamp(image, cancellationToken);
            _files.WriteRecord(new FollowRecord(null, state));
            _files.SyncFolder();
            image.Place.Publish();
            var outcome = reason == FollowReason.None ? FollowOutcome.Restored : FollowOutcome.RestoredAgain;
            var position = Finish(outcome, reason, Txid.None, image, new ApplyResult(state, state.Content.Pages, image.After is not null));
            Open();
            return position;
        }
    }

    private static OutputState Stamp(ImageBatch image, CancellationToken cancellationToken)
    {
        try
        {
            var page = new byte[image.Pages > 0 ? image.PageSize.Bytes : 0];
            image.File.Read(0, page);
            ulong? source = page.Length > 0 ? DatabaseChecksum.OfPage(1, page) : null;
            if (page.Length > 0)
            {
                FirstPage.Stamp(page, unchecked(FirstPage.ChangeCounter(page) + 1), image.Pages);
                image.File.Write(0, page);
            }

            var content = OutputFile.ReadContent(image.File, cancellationToken);
            Invariant.Holds(content is not null, "A restored database has the size that its header tells.");
            return new OutputState(image.Txid, image.Lineage, content.Value, source);
        }
        catch (Exception e) when (FileErrors.IsFileError(e))
        {
            throw FollowException.Failed("prepare", image.Place.TemporaryPath, e);
        }
    }

    /// <summary>Changes the database. Its state is not known before that has ended, unless it ended before anything was touched.</summary>
    private async ValueTask<ApplyResult> WriteAsync(OutputState? before, IPageBatch batch, CancellationToken cancellationToken)
    {
        var known = _state;
        _state = null;
        try
        {
            return await new ApplyStep(_output!, _files, options.ReaderWait).RunAsync(before, batch, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception e) when (e is FollowMismatchException or FollowException { IsFromOthersInTheWay: true })
        {
            _state = known;
            throw;
        }
    }

    private FollowPosition Finish(
        FollowOutcome outcome, FollowReason reason, Txid previous, IPageBatch batch, in ApplyResult result)
    {
        _files.WriteTxid(result.State.Txid);
        _state = result.State;
        HasFoundState = true;
        return Position(outcome, previous) with
        {
            Reason = reason,
            PagesWritten = result.PagesWritten,
            FileCount = batch.FileCount,
            BytesRead = batch.BytesRead,
            IsProven = result.IsProven,
        };
    }

    private FollowPosition Position(FollowOutcome outcome, Txid previous) => new()
    {
        Outcome = outcome,
        Previous = previous,
        Txid = Txid,
        PageSize = _state!.Content.PageSize,
        Pages = _state.Content.Pages,
    };

    /// <summary>Whether the name still leads to the file that is open.</summary>
    private bool IsSameFile() => _output is not null && _files.Facts is not null && _files.Identity == _identity;

    private void Open()
    {
        if (_output is not null && _files.Identity == _identity)
        {
            return;
        }

        Close();
        _identity = _files.Identity;
        _output = new OutputFile(_files.Open(), _files.Path, time);
    }

    private void Close()
    {
        _output?.Dispose();
        _output = null;
    }
}
