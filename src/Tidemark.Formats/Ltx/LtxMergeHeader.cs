using Tidemark.Formats.Database;

namespace Tidemark.Formats.Ltx;

/// <summary>What the header of a merged file says, from the headers of the files that it is made of. Pure.</summary>
internal static class LtxMergeHeader
{
    /// <summary>Makes the header.</summary>
    /// <param name="inputs">The files, oldest first. Each continues or overlaps the one before.</param>
    /// <param name="lineage">Who merges.</param>
    /// <exception cref="ArgumentException">There are no files, or they do not follow each other, or have pages of two sizes.</exception>
    public static LtxHeader From(IReadOnlyList<LtxMergeInput> inputs, Lineage lineage)
    {
        if (inputs.Count == 0)
        {
            throw new ArgumentException("There is nothing to merge.", nameof(inputs));
        }

        for (var i = 1; i < inputs.Count; i++)
        {
            ThrowUnlessNext(inputs[i - 1], inputs[i]);
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
        return header.Commit > 0 ? header : OfNoPages(header, first);
    }

    /// <summary>Checks what the files say of the states between them. Once they are proven: before, a damaged header would look like another
    /// history.</summary>
    /// <exception cref="LtxMergeException">They are not one history.</exception>
    public static void ThrowUnlessOneHistory(IReadOnlyList<LtxMergeInput> inputs)
    {
        for (var i = 1; i < inputs.Count; i++)
        {
            // Only where one file begins exactly where the other ends do both speak of the same state.
            var (older, newer) = (inputs[i - 1].Header, inputs[i].Header);
            if (newer.MinTxid.Value - 1 == older.MaxTxid.Value
                && older.Proof.After is { } after && newer.Proof.Before is { } before && after != before)
            {
                throw LtxMergeException.NotOneHistory(inputs[i - 1].Name, after, inputs[i].Name, before);
            }
        }

        var first = inputs[0].Header;
        if (inputs[^1].Header.Commit == 0 && !first.IsSnapshot && StateBefore(first) is null)
        {
            throw LtxMergeException.NothingBefore(inputs[0].Name);
        }
    }

    private static void ThrowUnlessNext(LtxMergeInput older, LtxMergeInput newer)
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
    }

    /// <summary>The format has one way only to say that nothing is left of a database: the standard checksum fields.</summary>
    private static LtxHeader OfNoPages(in LtxHeader header, in LtxHeader first) => header with
    {
        TracksChecksums = true,
        PreApplyChecksum = header.IsSnapshot ? 0 : StateBefore(first) ?? DatabaseChecksum.Empty.Value, // Unknown is refused at the end.
    };

    private static ulong? StateBefore(in LtxHeader first)
        => first.TracksChecksums ? first.PreApplyChecksum : first.Proof.Before?.Value;
}
