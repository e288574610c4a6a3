using Tidemark.Formats;
using Tidemark.Formats.Database;
using Tidemark.Replicas.Files;
using Tidemark.Replicas.Restore;

namespace Tidemark.Replicas.Follow;

/// <summary>What a batch will change in a database: worked out page by page, while the old pages go into the journal.</summary>
internal sealed class ApplyPlan
{
    private readonly IFile _file;
    private readonly IPageBatch _batch;
    private readonly OutputState? _before;
    private readonly JournalWriter _journal;
    private readonly PageSize _oldPageSize;
    private readonly uint _oldPages;
    private readonly byte[] _old;
    private DatabaseChecksum _rest;
    private ulong? _sourceFirstPage;
    private bool _broughtFirstPage;
    private uint _lastAppended;
    private OutputState? _after;

    /// <summary>Begins with a database of <paramref name="oldPages"/> pages.</summary>
    public ApplyPlan(
        IFile file, PageSize oldPageSize, uint oldPages, IPageBatch batch, OutputState? before, JournalWriter journal)
    {
        (_file, _oldPageSize, _oldPages, _batch, _before, _journal) = (file, oldPageSize, oldPages, batch, before, journal);
        _old = new byte[oldPageSize.Bytes];
        _rest = batch.IsComplete ? DatabaseChecksum.Empty : before!.Content.Rest;
        _sourceFirstPage = batch.IsComplete ? null : before!.SourceFirstPage;
        _lastAppended = oldPages;
        Changed = new PageSet(batch.Pages);
        FirstPage = batch.Pages > 0 ? new byte[batch.PageSize.Bytes] : [];
        if (!HasSamePageSize)
        {
            JournalFrom(1);
        }
    }

    /// <summary>The pages of the batch that the database does not have yet, and the first one.</summary>
    public PageSet Changed { get; }

    /// <summary>The new first page.</summary>
    public byte[] FirstPage { get; }

    /// <summary>The state that the database will have.</summary>
    public OutputState After => _after ?? throw new InvalidOperationException("The plan is not complete.");

    /// <summary>Whether the new state was compared with a checksum of the replica.</summary>
    public bool IsProven => _batch.After is not null && After.SourceChecksum is not null;

    private bool HasSamePageSize => _oldPageSize == _batch.PageSize;

    /// <summary>Takes a page of the batch.</summary>
    public void Add(uint number, ReadOnlySpan<byte> page)
    {
        var checksum = DatabaseChecksum.OfPage(number, page);
        var isThere = HasSamePageSize && number <= _oldPages;
        if (isThere)
        {
            ReadOld(number);
        }

        if (number == 1)
        {
            page.CopyTo(FirstPage);
            (_sourceFirstPage, _broughtFirstPage) = (checksum, true);
            return;
        }

        var isChanged = !isThere || !page.SequenceEqual(_old);
        if (isChanged)
        {
            Changed.TryAdd(number);
        }

        if (isThere && isChanged)
        {
            _journal.Add(number, _old);
        }

        if (_batch.IsComplete)
        {
            _rest = _rest.Toggle(checksum);
        }
        else if (isThere)
        {
            _rest = isChanged ? _rest.Toggle(checksum).Toggle(DatabaseChecksum.OfPage(number, _old)) : _rest;
        }
        else
        {
            Append(number);
            _rest = _rest.Toggle(checksum);
        }
    }

    /// <summary>All pages were taken: adds the first page and those that are cut off, and compares.</summary>
    /// <exception cref="FollowMismatchException">The new state is not the one that the replica tells.</exception>
    public void Complete()
    {
        if (!_batch.IsComplete)
        {
            Append(_batch.Pages + 1);
        }

        StampFirstPage();
        if (HasSamePageSize)
        {
            JournalFrom(Math.Max(2, _batch.Pages + 1L));
        }

        var first = FirstPage.Length == 0 ? 0 : DatabaseChecksum.OfPage(1, FirstPage);
        var content = _batch.Pages == 0 ? OutputContent.Empty : new OutputContent(_batch.PageSize, _batch.Pages, _rest, first);
        _after = new OutputState(_batch.Txid, _batch.Lineage, content, _batch.Pages == 0 ? null : _sourceFirstPage);
        if (_batch.After is { } expected && _after.SourceChecksum is { } built && built != expected)
        {
            throw new FollowMismatchException(
                _batch.IsContinuation ? FollowReason.OutputChanged : FollowReason.OtherHistory,
                $"With the files up to TXID {_batch.Txid} the database would have the checksum {built} instead of {expected}.");
        }

        if (!_batch.IsComplete && _before!.SourceChecksum is null && !IsProven)
        {
            throw new FollowMismatchException(
                FollowReason.Unproven, $"Nothing proves that the database had the state of TXID {_before.Txid}.");
        }
    }

    private void StampFirstPage()
    {
        var hadFirstPage = _oldPages > 0;
        if (hadFirstPage)
        {
            ReadOld(1);
            if (HasSamePageSize)
            {
                _journal.Add(1, _old);
            }
        }

        if (FirstPage.Length == 0)
        {
            return;
        }

        if (!_broughtFirstPage)
        {
            _old.CopyTo(FirstPage, 0);
        }

        Changed.TryAdd(1);
        var counter = Follow.FirstPage.ChangeCounter(hadFirstPage ? _old : FirstPage);
        Follow.FirstPage.Stamp(FirstPage, unchecked(counter + 1), _batch.Pages);
    }

    /// <summary>Pages that a database grows by are all in a batch, except the lock page.</summary>
    private void Append(uint number)
    {
        if (number <= _oldPages)
        {
            return;
        }

        var expected = _lastAppended + 1;
        expected += expected == _batch.PageSize.LockPage ? 1U : 0U;
        if (number > expected)
        {
            throw new FollowMismatchException(
                FollowReason.OtherHistory, FollowException.LacksPages(_batch.Txid, expected, _batch.Pages).Message);
        }

        _lastAppended = number;
    }

    private void JournalFrom(long first)
    {
        for (var number = first; number <= _oldPages; number++)
        {
            if (number == _oldPageSize.LockPage)
            {
                continue;
            }

            ReadOld((uint)number);
            _journal.Add((uint)number, _old);
            if (!_batch.IsComplete && number > 1)
            {
                _rest = _rest.Toggle(DatabaseChecksum.OfPage((uint)number, _old));
            }
        }
    }

    private void ReadOld(uint number)
    {
        var length = _file.Read(_oldPageSize.OffsetOf(number), _old);
        Invariant.Holds(length == _old.Length, $"Page {number} of {_oldPages} is in the file, which nobody else may write.");
    }
}
