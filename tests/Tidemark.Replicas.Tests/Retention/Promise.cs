using Tidemark.Formats;
using Tidemark.Replicas.Catalog;
using Tidemark.Replicas.Restore;
using Tidemark.Replicas.Retention;
using Tidemark.Replicas.Tests.Restore;
using Xunit;

namespace Tidemark.Replicas.Tests.Retention;

/// <summary>What retention promises, in terms of what a restore finds before and after, for one run of it.</summary>
internal sealed class Promise
{
    private readonly IReadOnlyList<LtxFileInfo> _before;
    private readonly HashSet<LtxFileInfo> _stays;
    private readonly RetentionPlan _plan;
    private readonly DateTimeOffset _now;
    private readonly RetentionOptions _options;
    private readonly Dictionary<RestoreTarget, Txid?> _restorable = [];

    public Promise(IReadOnlyList<LtxFileInfo> before, RetentionPlan plan, DateTimeOffset now, RetentionOptions options)
    {
        (_before, _plan, _now, _options) = (before, plan, now, options);
        _stays = [.. before.Except(plan.Deletions)];
        var last = before.Count == 0 ? 1 : before.Max(file => file.MaxTxid.Value);
        var targets = new List<RestoreTarget> { new RestoreTarget.Latest() };
        for (var txid = 1UL; txid <= last; txid++)
        {
            targets.Add(new RestoreTarget.AtTxid(new Txid(txid)));
        }

        var beginning = now - options.SnapshotRetention;
        var moments = before
            .SelectMany(file => new[] { file.Created, file.Created.AddTicks(1) })
            .Append(beginning.AddTicks(1)).Append(now - options.L0Retention).Append(now)
            .Where(time => time > beginning && time <= now)
            .Distinct();
        targets.AddRange(moments.Select(time => new RestoreTarget.Before(time)));
        foreach (var target in targets)
        {
            _restorable[target] = Restore(before, target);
        }
    }

    private bool KeepsAllCaptures => _options.L0Retention == TimeSpan.Zero;

    /// <summary>Throws unless the promise is kept by what is left.</summary>
    /// <param name="left">The files after any part of the deletions.</param>
    /// <param name="isClockRight">Whether all times go up with the TXIDs, so that more is known of what a moment gives.</param>
    public void AssertKeptBy(IReadOnlyList<LtxFileInfo> left, bool isClockRight)
    {
        foreach (var (target, before) in _restorable.Where(pair => pair.Value is not null))
        {
            var after = Restore(left, target);
            var what = $"{target}: {before} before, {after} after; left is {Listing.Text(left)}";
            switch (target)
            {
                case RestoreTarget.Latest:
                    Assert.True(after == before, what);
                    break;
                case RestoreTarget.AtTxid at when IsPromised(at.Txid):
                    Assert.True(after == before, what);
                    break;
                case RestoreTarget.Before moment:
                    AssertKept(moment.Time, before!.Value, after, isClockRight, what);
                    break;
            }
        }
    }

    public void AssertFloorIsNoHigherThanNeeded()
    {
        if (_plan.Floor is { } floor)
        {
            Assert.Contains(_stays, file => file.Level == Level.Snapshots && file.MaxTxid == floor);
            Assert.Contains(
                _before,
                file => file.Level == Level.Snapshots && file.MaxTxid >= floor && file.Created <= _now - _options.SnapshotRetention);
        }
    }

    private bool IsPromised(Txid txid)
        => txid >= (_plan.Floor ?? Txid.First)
            && (KeepsAllCaptures
                || _stays.Any(file => file.MaxTxid == txid)
                || _before.Any(file => file.MaxTxid == txid && file.Created > _now - _options.L0Retention && file.Created <= _now));

    private void AssertKept(DateTimeOffset time, Txid before, Txid? after, bool isClockRight, string what)
    {
        if (KeepsAllCaptures || time > _now - _options.L0Retention)
        {
            Assert.True(after == before, what);
        }
        else if (_stays.Any(file => file.MinTxid == Txid.First && file.Created < time))
        {
            Assert.True(after <= before, what);
            if (isClockRight)
            {
                var boundary = _stays
                    .Where(file => file.Created < time && file.MaxTxid <= before
                        && _restorable[new RestoreTarget.AtTxid(file.MaxTxid)] is not null)
                    .Max(file => file.MaxTxid);
                Assert.True(after >= boundary, $"{what}; but {boundary} is promised");
            }
        }
    }

    private static Txid? Restore(IReadOnlyList<LtxFileInfo> files, RestoreTarget target)
    {
        try
        {
            return RestorePlan.From(files, target).MaxTxid;
        }
        catch (Exception e) when (e is NoMatchingBackupException or TxidNotRestorableException or ReplicaHoleException)
        {
            return null;
        }
    }
}
