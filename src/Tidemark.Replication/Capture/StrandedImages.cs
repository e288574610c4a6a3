using Tidemark.Formats.Ltx;
using Tidemark.Replicas.Catalog;

namespace Tidemark.Replication.Capture;

/// <summary>Finds images in a spool that do not belong to its captures.</summary>
/// <remarks>
/// An image can be left of captures that never became durable, or of others that had the same TXIDs: an older copy of the spool was put in
/// the place of a newer one whose images stayed, or came back when the power failed. Shipped, it would be the ground under captures of
/// another history.
/// </remarks>
internal static class StrandedImages
{
    /// <summary>Deletes them, durably. Called when a spool was opened, since nothing appears in it later on.</summary>
    /// <param name="spool">The spool.</param>
    /// <param name="position">Where capture stands; null when nothing was captured.</param>
    public static void Delete(Spool spool, Position? position)
        => spool.DeleteImages([.. spool.ListImages().Where(image => !Belongs(spool, position, image))]);

    private static bool Belongs(Spool spool, Position? position, LtxFileName image)
    {
        if (position is null || image.MaxTxid > position.Txid)
        {
            return false;
        }

        var state = image.MaxTxid == position.Txid && position.Checksum is { } checksum
            ? checksum
            : ProofOf(spool, Spool.CaptureOf(image.MaxTxid)).After ?? ProofOf(spool, Spool.CaptureOf(image.MaxTxid.Next())).Before;
        return state is null || ProofOf(spool, Spool.ImageOf(image)).After == state;
    }

    // The header tells; whether the rest is whole is checked before it is shipped.
    private static LtxProof ProofOf(Spool spool, LtxFileKey key)
    {
        if (!spool.Contains(key))
        {
            return default;
        }

        Span<byte> bytes = stackalloc byte[LtxHeader.Size];
        using var content = spool.OpenRead(key);
        return LtxHeader.TryRead(bytes[..content.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false)], out var header) == LtxFault.None
            ? header.Proof
            : default;
    }
}
