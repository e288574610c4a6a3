namespace Tidemark.Testing.Peers;

/// <summary>What Litestream's own code reads from a replica.</summary>
/// <param name="Integrity">Answer of SQLite's integrity check over it.</param>
/// <param name="PageCount">Pages of the database.</param>
/// <param name="Rows">Rows of the table.</param>
/// <param name="Digest">Hash of the content of all rows.</param>
public sealed record LitestreamView(string Integrity, long PageCount, long Rows, string Digest)
{
    /// <summary>What it reads right also where the database has been larger before.</summary>
    public (long Rows, string Digest) Content => (Rows, Digest);
}
