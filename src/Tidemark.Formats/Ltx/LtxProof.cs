using Tidemark.Formats.Database;

namespace Tidemark.Formats.Ltx;

/// <summary>The rolling database checksums before and after a file is applied, as far as its writer knew them.</summary>
/// <remarks>
/// They lie in the last 20 bytes of the header, which other programs ignore and every file checksum covers. See docs/format/ltx.md, "Proof".
/// The default value is "no proof".
/// </remarks>
/// <param name="Before">Checksum of the database at the TXID before the file's first, or null when it is not known or the file is a snapshot.</param>
/// <param name="After">Checksum of the database at the file's last TXID, or null when it is not known.</param>
public readonly record struct LtxProof(DatabaseChecksum? Before, DatabaseChecksum? After)
{
    /// <summary>The writer knew neither.</summary>
    public static LtxProof None => default;
}
