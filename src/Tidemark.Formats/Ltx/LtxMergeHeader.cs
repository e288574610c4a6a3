namespace Tidemark.Formats.Ltx;

/// <summary>What the header of a merged file says, from the headers of the files that it is made of. Pure.</summary>
internal static class LtxMergeHeader
{
    /// <summary>Makes the header.</summary>
    /// <param name="inputs">The files, oldest first. Each continues or overlaps the one before.</param>
    /// <param name="lineage">Who merges.</param>
    /// <exception cref="ArgumentException">There are no files, or they do not follow each other, or have pages of two sizes.</exception>
    /// <exception cref="LtxMergeException">They are not one history.</exception>
    public static LtxHeader From(IReadOnlyList<LtxMergeInput> inputs, Lineage lineage)
    {
        if (inputs.Count == 0)
        {
            throw new ArgumentException("There is nothing to merge.", nameof(inputs));
        }

        for (var i = 1; i < inputs.Count; i++)
        {
            CheckNeighbours(inputs[i - 1], inputs[i]);
        }

        var (first, last) = (inputs[0].Header, inputs[^1].Header);
        var header = new LtxHeader
        {
            PageSize = last.PageSize,
            Commit = last.Commit,
            MinTxid = first.MinTxid,
            MaxTxid = last.MaxTxid,
            TimestampMs = last.TimestampMs,
            Lineage = lineage,
            Proof = new LtxProof(first.Proof.Before, last.Proof.After),
        };
        return header.Commit > 0 ? header : OfNoPages(header, inputs[0]);
    }

    private static void CheckNeighbours(LtxMergeInput older, LtxMergeInput newer)
    {
        var (first, second) = (older.Header, newer.Header);
        if (first.PageSize != second.PageSize)
        {
            throw new ArgumentException($"{older.Name} has pages of {first.PageSize} bytes, and {newer.Name} of {second.PageSize}.");
        }

        if (second.MinTxid.Value - 1 > first.MaxTxid.Value || second.MaxTxid <= first.MaxTxid)
        {
            throw new ArgumentException($"{newer.Name} does not continue {older.Name}.");
        }

        // Only where one file begins exactly where the other ends do both speak of the same state.
        if (second.MinTxid.Value - 1 == first.MaxTxid.Value
            && first.Proof.After is { } after && second.Proof.Before is { } before && after != before)
        {
            throw LtxMergeException.NotOneHistory(older.Name, after, newer.Name, before);
        }
    }

    /// <summary>The format has one way only to say that nothing is left of a database: the standard checksum fields.</summary>
    private static LtxHeader OfNoPages(in LtxHeader header, LtxMergeInput oldest)
    {
        var before = oldest.Header.TracksChecksums ? oldest.Header.PreApplyChecksum : oldest.Header.Proof.Before?.Value;
        return header with
        {
            TracksChecksums = true,
            PreApplyChecksum = header.IsSnapshot ? 0 : before ?? throw LtxMergeException.NothingBefore(oldest.Name),
        };
    }
}
