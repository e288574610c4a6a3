namespace Tidemark.Formats.Ltx;

/// <summary>The rules for the order of pages in one file: ascending, within the database, never the lock page, and without holes in a
/// snapshot.</summary>
/// <remarks>Writer, reader and page index share it, so that what one refuses the others refuse too.</remarks>
internal struct LtxPageSequence(PageSize pageSize, uint commit, bool isSnapshot)
{
    private readonly uint _lockPage = pageSize.LockPage;

    /// <summary>The last page that was accepted; 0 before the first.</summary>
    public uint Last { get; private set; }

    /// <summary>The page that must come next in a snapshot that does not end here.</summary>
    public readonly ulong Following
    {
        get
        {
            var next = Last + 1UL;
            return next == _lockPage ? next + 1 : next;
        }
    }

    /// <summary>Accepts the next page, or says what is wrong with it.</summary>
    public LtxFault Accept(uint pageNumber)
    {
        if (pageNumber == 0 || pageNumber > commit || pageNumber == _lockPage)
        {
            return LtxFault.InvalidPageNumber;
        }

        if (pageNumber <= Last)
        {
            return LtxFault.PageOutOfOrder;
        }

        if (isSnapshot && pageNumber != Following)
        {
            return LtxFault.MissingPage;
        }

        Last = pageNumber;
        return LtxFault.None;
    }

    /// <summary>Whether the pages may end here, for a database of <paramref name="finalCommit"/> pages.</summary>
    public readonly LtxFault End(uint finalCommit)
    {
        if (Last > finalCommit)
        {
            return LtxFault.InvalidPageNumber;
        }

        return isSnapshot && Following <= finalCommit ? LtxFault.MissingPage : LtxFault.None;
    }
}
