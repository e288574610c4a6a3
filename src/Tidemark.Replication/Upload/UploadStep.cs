using System.Globalization;
using Tidemark.Formats;
using Tidemark.Formats.Database;
using Tidemark.Formats.Ltx;
using Tidemark.Replicas.Catalog;
using Tidemark.Replicas.Leases;
using Tidemark.Replicas.Restore;
using Tidemark.Replicas.Stores;
using Tidemark.Replication.Capture;

namespace Tidemark.Replication.Upload;

/// <summary>Ships captures from the spool to one destination, one file a run, in the order of their TXIDs.</summary>
/// <remarks>
/// <para>Owns the position of the destination. Nothing that lies there is ever replaced: a name that is taken by the same content is a write
/// whose answer was lost; one that is taken by another content is another writer, and ends it all.</para>
/// <para>Runs of one instance do not overlap. <see cref="RequestImage"/> may be called, and the properties may be read, from any thread.
/// </para>
/// </remarks>
internal sealed class UploadStep(IReplicaStore store, Spool spool, ClaimStep claim)
{
    private readonly Shipment _shipment = new(store, spool, claim);
    private ulong _shipped;
    private Txid _held;

    // What the newest file there leads to; null where that is not known.
    private DatabaseChecksum? _reached;
    private PageSize? _pageSize;
    private bool _looksAgain;
    private volatile bool _isForked;
    private volatile ImageRequest? _needed;
    private volatile ImageRequest? _requested;
    private volatile ReplicaCatalog? _catalog;
    private volatile bool _isInDoubt;

    // What the destination holds, until it is known whether the captures in the spool continue it.
    private ReplicaHead? _unconfirmed;
    private volatile ReplicaState? _state;
    private volatile ReplicaHead? _unknown;
    private volatile ReplicaConflictException? _refusal;

    /// <summary>Whether a person has said that the destination is to be gone on with though it has lost what it held.</summary>
    public bool Refills { get; init; }

    /// <summary>Whether a person has said that the destination is to be taken over, whoever has it and whatever history lies there.</summary>
    public bool TakesOver { get; init; }

    /// <summary>Tells whether another writer has the destination; null where that is not asked.</summary>
    public HolderWatch? Holder { get; init; }

    /// <summary>The destination.</summary>
    public IReplicaStore Store => store;

    /// <summary>Who writes there. Whoever else writes there for this writer confirms it before.</summary>
    public ClaimStep Claim => claim;

    /// <summary>Whether it is known what the destination holds.</summary>
    public bool IsReconciled => _catalog is not null;

    /// <summary>Whether the destination has to be looked at again before anything more is done there.</summary>
    public bool IsInDoubt => _isInDoubt;

    /// <summary>What the destination holds, or null while it is not known. After a failure that leaves it in doubt, another one.</summary>
    public ReplicaCatalog? Catalog => _catalog;

    /// <summary>Whether another writer's history was taken over when the destination was looked at last, because the spool was new.</summary>
    public bool TookOver { get; private set; }

    /// <summary>Whether the history that lies there has to be compared with the database first, since the spool is new and does not know
    /// it. Nothing is shipped before.</summary>
    public bool AwaitsComparison => _unknown is not null;

    /// <summary>Why nothing is shipped here any more: what lies there is of another database. Null while it is not known to be.</summary>
    public ReplicaConflictException? Refusal => _refusal;

    /// <summary>The newest TXID that the destination is known to hold.</summary>
    public Txid Shipped => new(Volatile.Read(ref _shipped));

    /// <summary>Up to where the destination holds this history: nothing of it while another history lies there.</summary>
    public Txid Delivered => _isForked ? Txid.None : Shipped;

    // What is known to lie there, of whatever history.
    private Txid Held => Shipped > _held ? Shipped : _held;

    /// <summary>The image that <see cref="RequestImage"/> asked for and that is not shipped yet.</summary>
    public ImageRequest? Requested => _requested;

    /// <summary>Whether the destination leads to what was captured. One that is ahead does not: its newest state is another one.</summary>
    public bool HasAll(Txid captured) => IsReconciled && (captured.IsNone || Shipped == captured) && !_isForked && !AwaitsComparison;

    /// <summary>Asks for a file with all pages, from a TXID to the newest one, on a level of the destination whose files have a hole before
    /// that. It is shipped after all captures, one request at a time: a later one takes the place of an earlier one.</summary>
    public void RequestImage(Level level, Txid from) => _requested = new ImageRequest(level, from, Shipped);

    /// <summary>Whether an image in the spool is one that this destination lacks or that was asked for. May be called from any
    /// thread.</summary>
    public bool Wants(LtxFileName image)
        => (_needed is { } needed && image.MinTxid == needed.From && image.MaxTxid > Shipped)
            || (_requested is { } requested && Answers(image, requested));

    /// <summary>The catalogue turned out to be wrong: somebody else has changed the files. May be called from any thread.</summary>
    public void Distrust() => _isInDoubt = true;

    /// <summary>The newest state of the destination was read, and the next capture is compared with it. May be called from any
    /// thread.</summary>
    public void NoteState(ReplicaState state)
    {
        _state = state;
        (_needed, _isForked) = (null, false);
    }

    /// <summary>The history that lies there goes on with this database. May be called from any thread.</summary>
    /// <exception cref="IOException">The spool cannot be written.</exception>
    public void AcceptTakeover()
    {
        if (_unknown is { } head)
        {
            AddAncestor(head);
            _unknown = null;
        }
    }

    /// <summary>The history that lies there is that of another database. May be called from any thread.</summary>
    public void RefuseTakeover(ReplicaHead head, string databasePath)
        => _refusal = ReplicaConflictException.OtherDatabase(store.Name, head.Txid, head.Lineage, databasePath);

    /// <summary>What lies at the destination up to this TXID was found to be damaged, so it goes on from a snapshot. May be called from any
    /// thread.</summary>
    public void NoteDamage(Txid txid)
    {
        if (Shipped == txid)
        {
            (_needed, _isForked) = (new ImageRequest(Level.Snapshots, Txid.First), true);
        }
    }

    /// <summary>Ships a capture once more, in the place of a damaged file, if the spool still has it.</summary>
    /// <exception cref="ReplicaConflictException">Another writer writes there.</exception>
    /// <exception cref="ReplicaStoreException">The destination failed.</exception>
    public async ValueTask<bool> TryShipAgainAsync(LtxFileKey damaged, CancellationToken cancellationToken)
    {
        if (damaged.Level != Level.Captured || _isForked || !spool.Contains(damaged))
        {
            return false;
        }

        var header = await VerifyAsync(damaged, cancellationToken).ConfigureAwait(false);
        if (!await LeadsToNextAsync(damaged.Name.MaxTxid, header, cancellationToken).ConfigureAwait(false))
        {
            return false;
        }

        await claim.ConfirmNowAsync(cancellationToken).ConfigureAwait(false);
        var content = spool.OpenRead(damaged);
        await using (content.ConfigureAwait(false))
        {
            var file = await store.WriteAsync(damaged, header.Timestamp, content, cancellationToken).ConfigureAwait(false);
            _catalog?.Add(file);
            return true;
        }
    }

    /// <summary>Finds out what the destination holds, and whether this writer may go on from it. Must succeed once before anything is
    /// shipped, and again after the destination failed.</summary>
    /// <remarks>Writes nothing before this run has the claim: one that finds no database has nothing to say here.</remarks>
    /// <returns>The newest state there, or null when it is empty.</returns>
    /// <exception cref="ReplicaConflictException">Another writer's history lies there, or another writer writes there.</exception>
    /// <exception cref="ReplicaStoreException">The destination failed, or has lost what is known to have been there.</exception>
    public async ValueTask<ReplicaHead?> ReconcileAsync(CancellationToken cancellationToken)
    {
        ThrowIfRefused();
        (_catalog, _isInDoubt) = (null, false); // What comes into doubt while it is listed stays in doubt.

        // Before the claim is looked at, which is written again where it vanished: nothing is to be made in a place that lost everything.
        var files = await ReplicaListing.ReadAllAsync(store, cancellationToken).ConfigureAwait(false);
        ThrowIfLost(files);
        if (claim.IsTaken)
        {
            await claim.ConfirmNowAsync(cancellationToken).ConfigureAwait(false);
        }
        else if (Holder is { } holder && !TakesOver)
        {
            var newest = files.Select(file => (DateTimeOffset?)file.Created).Max();
            await holder.ThrowIfHeldAsync(newest, cancellationToken).ConfigureAwait(false);
        }

        var head = await ReplicaHead.ReadAsync(store, files, cancellationToken).ConfigureAwait(false);
        if (head is not null
            && !TakesOver
            && !await HeadComparison.ContinuesAsync(spool, claim.Own.Lineage, head, cancellationToken).ConfigureAwait(false))
        {
            throw ReplicaConflictException.OtherHistory(store.Name, head.Txid, head.Lineage, claim.Own.Lineage, spool.Path);
        }

        var finding = head is null
            ? new HeadFinding(null, IsConfirmed: true)
            : await HeadComparison.CompareAsync(spool, store, head, _state, cancellationToken).ConfigureAwait(false);
        TookOver = head is not null && head.Lineage != Lineage.None && head.Lineage != claim.Own.Lineage;
        var isUnknown = head is { Header: not null, IsRestorable: true }
            && head.Lineage != claim.Own.Lineage
            && !TakesOver
            && spool.KnowsNoHistory
            && (head.Lineage == Lineage.None || !spool.HasAncestor(head.Lineage));
        _unknown = isUnknown && Holder is not null ? head : null;
        if (head is not null && !AwaitsComparison)
        {
            AddAncestor(head);
        }

        (_needed, _isForked, _pageSize, _looksAgain) = (finding.Need, finding.Need is not null, head?.PageSize, true);
        _unconfirmed = finding.IsConfirmed ? null : head;
        var catalog = new ReplicaCatalog(files);
        Volatile.Write(ref _shipped, head is null ? 0 : LastInOrder(head, catalog).Value);
        _reached = Shipped == head?.Txid ? head.Checksum : null;
        (_catalog, _held) = (catalog, head?.Txid ?? Txid.None);
        return head;
    }

    /// <summary>Ships the next file, if there is one.</summary>
    /// <param name="captured">The newest capture.</param>
    /// <param name="cancellationToken">Ends the run; the destination keeps no part of a file.</param>
    /// <exception cref="ReplicaConflictException">Another writer writes there; nothing more may be shipped.</exception>
    /// <exception cref="ReplicaStoreException">The destination failed.</exception>
    /// <exception cref="LtxFormatException">The file in the spool is damaged. It is set aside, and the next run asks for an
    /// image.</exception>
    public async ValueTask<UploadResult> RunAsync(Txid captured, CancellationToken cancellationToken)
    {
        ThrowIfRefused();
        Invariant.Holds(IsReconciled, $"{store.Name}: it is known what the destination holds before anything is shipped.");

        // While the destination is ahead, the next capture takes it as its base.
        if (Shipped > captured || AwaitsComparison)
        {
            return new UploadResult(UploadOutcome.Idle);
        }

        if (_unconfirmed is { } head && head.Txid == captured && HeadComparison.IsOtherPosition(spool, head, _state))
        {
            (_needed, _isForked, _unconfirmed) = (HeadComparison.Bridge(head), true, null); // The base is of another destination.
        }

        if (!HasAll(captured))
        {
            return await ShipNextAsync(captured, cancellationToken).ConfigureAwait(false);
        }

        return _requested is { } requested
            ? await ShipRequestedAsync(requested, cancellationToken).ConfigureAwait(false)
            : new UploadResult(UploadOutcome.Idle);
    }

    // An image may lie above the captures of another history. What is put in the place of a file has to lead to what follows it there.
    private async ValueTask<bool> LeadsToNextAsync(Txid txid, LtxHeader header, CancellationToken cancellationToken)
    {
        if (header.Proof.After is not { } after)
        {
            return false;
        }

        if (txid == Shipped)
        {
            return _reached == after;
        }

        var next = Spool.CaptureOf(txid.Next());
        return _catalog?.Files.Any(file => file.Key == next) == true
            && await ReplicaHead.TryReadHeaderAsync(store, next, cancellationToken).ConfigureAwait(false) is { } following
            && following.Proof.Before == after;
    }

    /// <summary>Notes in the spool what the destination holds, unless it says so already. See <see cref="DestinationMemory"/>.</summary>
    /// <exception cref="IOException">The spool cannot be written.</exception>
    public void Remember(DateTimeOffset now)
    {
        if (!IsReconciled || AwaitsComparison || Refusal is not null)
        {
            return;
        }

        var known = spool.Destinations.Find(store.Name);
        var state = new RememberedState(Held, Held == Shipped ? _reached : null, claim.Own.Lineage, now);
        if ((known?.Txid ?? Txid.None) != state.Txid || known?.Checksum != state.Checksum)
        {
            spool.Destinations.Note(claim.Own.Lineage, store.Name, state);
        }
    }

    private void AddAncestor(ReplicaHead head)
    {
        if (head.Lineage != Lineage.None && head.Lineage != claim.Own.Lineage)
        {
            spool.AddAncestor(head.Lineage);
        }
    }

    private void ThrowIfRefused()
    {
        if (_refusal is { } refusal)
        {
            throw refusal;
        }
    }

    // A disk that is not mounted, a folder that somebody removed, or an older copy in its place: to go on there in silence would hide that a
    // history is gone.
    private void ThrowIfLost(IReadOnlyList<LtxFileInfo> files)
    {
        var remembered = spool.Destinations.Find(store.Name);
        var held = remembered?.Txid > Held ? remembered.Txid : Held;
        var newest = files.Select(file => file.MaxTxid).DefaultIfEmpty(Txid.None).Max();
        if (Refills || newest >= held)
        {
            return;
        }

        var what = newest.IsNone ? "the replica is empty" : $"the newest state is TXID {newest}";
        var when = held > Held ? string.Create(CultureInfo.InvariantCulture, $" on {remembered!.NotedAt.UtcDateTime:yyyy-MM-dd HH:mm}Z") : "";
        throw new ReplicaStoreException(
            $"{store.Name}: {what}, though it held captures up to TXID {held}{when}.",
            "Check that the right disk is mounted, and that nobody removed files or put an older copy there; when they are back, it goes on. "
            + "To go on with what is there, run it once with -once -refill.")
        {
            IsTransient = true,
        };
    }

    // A snapshot of another page size goes before its captures. If the process ended in between, they still follow, so that level 0 has no
    // hole.
    private Txid LastInOrder(ReplicaHead head, ReplicaCatalog catalog)
    {
        var last = catalog.NewestAt(Level.Captured)?.MaxTxid ?? Txid.None;
        for (var next = last.Next(); next <= head.Txid; next = next.Next())
        {
            if (_isForked || !spool.Contains(Spool.CaptureOf(next)))
            {
                return head.Txid;
            }
        }

        return last;
    }

    private async ValueTask<UploadResult> ShipNextAsync(Txid captured, CancellationToken cancellationToken)
    {
        var next = Spool.CaptureOf(Shipped.Next());
        if (_needed is null && spool.Contains(next) && await ContinuesHeadAsync(next, cancellationToken).ConfigureAwait(false))
        {
            var header = await VerifyAsync(next, cancellationToken).ConfigureAwait(false);
            if (header.Proof.Before is { } before && _reached is { } reached && before != reached)
            {
                // A spool that was lost and came back in parts holds captures of two histories, whatever its position says.
                (_needed, _isForked) = (new ImageRequest(Level.Captured, Shipped.Next()), true);
            }
            else if (_pageSize is { } pageSize && pageSize != header.PageSize)
            {
                _needed = new ImageRequest(Level.Snapshots, Txid.First); // A restore cannot go from one page size to another.
            }
            else
            {
                var file = await ShipAsync(next, next, header, isImage: false, cancellationToken).ConfigureAwait(false);
                NoteShipped(next.Name.MaxTxid, header);
                return new UploadResult(UploadOutcome.Uploaded, file);
            }
        }

        var needed = _needed ??= Shipped.IsNone
            ? new ImageRequest(Level.Snapshots, Txid.First)
            : new ImageRequest(Level.Captured, Shipped.Next());
        return await ShipNeededAsync(needed, captured, cancellationToken).ConfigureAwait(false);
    }

    private async ValueTask<bool> ContinuesHeadAsync(LtxFileKey next, CancellationToken cancellationToken)
    {
        if (_unconfirmed is not { } head || head.Txid.Next() != next.Name.MinTxid)
        {
            return true;
        }

        try
        {
            if (!await HeadComparison.FollowsAsync(spool, store, head, next, _state, cancellationToken).ConfigureAwait(false))
            {
                (_needed, _isForked) = (HeadComparison.Bridge(head), true);
            }
        }
        catch (LtxFormatException)
        {
            spool.SetAside(next);
            throw;
        }

        _unconfirmed = null;
        return !_isForked;
    }

    private async ValueTask<UploadResult> ShipNeededAsync(ImageRequest needed, Txid captured, CancellationToken cancellationToken)
    {
        // An image that is in the spool before its capture leads to a state that may never be captured.
        var isFollowed = !_isForked && spool.Contains(Spool.CaptureOf(Shipped.Next()));
        LtxFileName[] fitting = [.. spool.ListImages()
            .Where(image => image.MinTxid == needed.From && image.MaxTxid > Shipped && image.MaxTxid <= captured)];
        if (fitting is [])
        {
            return new UploadResult(UploadOutcome.NeedsImage, Image: needed);
        }

        var name = isFollowed ? fitting[0] : fitting[^1];
        var source = Spool.ImageOf(name);
        var header = await VerifyAsync(source, cancellationToken).ConfigureAwait(false);
        if (isFollowed
            && needed.Level == Level.Snapshots
            && (await VerifyAsync(Spool.CaptureOf(Shipped.Next()), cancellationToken).ConfigureAwait(false)).PageSize != header.PageSize)
        {
            // The page size has changed once more since, so the next capture does not follow this image.
            (isFollowed, name) = (false, fitting[^1]);
            source = Spool.ImageOf(name);
            header = await VerifyAsync(source, cancellationToken).ConfigureAwait(false);
        }

        if (needed.Level == Level.Captured && _pageSize is { } pageSize && pageSize != header.PageSize)
        {
            _needed = new ImageRequest(Level.Snapshots, Txid.First);
            return new UploadResult(UploadOutcome.NeedsImage, Image: _needed);
        }

        var file = await ShipAsync(source, new LtxFileKey(needed.Level, name), header, isImage: true, cancellationToken)
            .ConfigureAwait(false);
        _needed = null;

        // Captures that the spool still holds are shipped too; where it has a hole, the image bridges it.
        if (!isFollowed)
        {
            NoteShipped(name.MaxTxid, header);
            _isForked = false;
        }

        return new UploadResult(UploadOutcome.Uploaded, file);
    }

    private async ValueTask<UploadResult> ShipRequestedAsync(ImageRequest requested, CancellationToken cancellationToken)
    {
        var images = spool.ListImages().Where(image => Answers(image, requested) && image.MaxTxid <= Shipped).ToArray();
        if (images is not [.., var name])
        {
            return new UploadResult(UploadOutcome.NeedsImage, Image: requested);
        }

        var header = await VerifyAsync(Spool.ImageOf(name), cancellationToken).ConfigureAwait(false);
        var file = await ShipAsync(
            Spool.ImageOf(name), new LtxFileKey(requested.Level, name), header, isImage: true, cancellationToken).ConfigureAwait(false);
        Interlocked.CompareExchange(ref _requested, null, requested);
        return new UploadResult(UploadOutcome.Uploaded, file);
    }

    private void NoteShipped(Txid txid, in LtxHeader header)
    {
        _reached = header.Proof.After;
        Volatile.Write(ref _shipped, txid.Value);
    }

    private static bool Answers(LtxFileName image, ImageRequest requested)
        => image.MinTxid == requested.From && image.MaxTxid >= requested.AtLeast;

    // Nothing leaves the spool unchecked: a disk may have damaged it since it was written.
    private async ValueTask<LtxHeader> VerifyAsync(LtxFileKey key, CancellationToken cancellationToken)
    {
        try
        {
            return await SpoolFile.VerifyAsync(spool, key, cancellationToken).ConfigureAwait(false);
        }
        catch (LtxFormatException)
        {
            spool.SetAside(key);
            throw;
        }
    }

    private async ValueTask<LtxFileInfo> ShipAsync(
        LtxFileKey source, LtxFileKey key, LtxHeader header, bool isImage, CancellationToken cancellationToken)
    {
        var before = Shipped;
        try
        {
            if (isImage)
            {
                await claim.ConfirmNowAsync(cancellationToken).ConfigureAwait(false);
                await _shipment.ThrowIfOthersWroteAsync(before, key, isNew: false, cancellationToken).ConfigureAwait(false);
            }
            else
            {
                await claim.ConfirmAsync(cancellationToken).ConfigureAwait(false);
            }

            var (file, isNew) = await _shipment.CreateAsync(source, key, header.Timestamp, cancellationToken).ConfigureAwait(false);
            if (isImage || _looksAgain)
            {
                await _shipment.ThrowIfOthersWroteAsync(before, key, isNew, cancellationToken).ConfigureAwait(false);
            }

            (_pageSize, _looksAgain) = (header.PageSize, false);
            _catalog?.Add(file);
            return file;
        }
        catch (ReplicaStoreException)
        {
            _catalog = null; // It is not known any more what lies there.
            throw;
        }
    }
}
