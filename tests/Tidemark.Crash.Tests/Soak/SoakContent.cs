using System.Security.Cryptography;
using System.Text;
using Tidemark.Testing.Databases;

namespace Tidemark.Crash.Tests.Soak;

/// <summary>What a database of a soak says: the number of its newest transaction, and all its rows.</summary>
/// <param name="Commit">Counted up by every transaction that changes rows.</param>
/// <param name="Digest">Hash of all rows.</param>
internal readonly record struct SoakContent(long Commit, string Digest)
{
    /// <summary>Creates the tables.</summary>
    public static void CreateTables(SourceDatabase database)
    {
        database.CreateTable();
        database.Run("CREATE TABLE commits(number INTEGER)");
        database.Run("INSERT INTO commits VALUES(0)");
    }

    /// <summary>Counts a transaction that is still open.</summary>
    public static void Count(SourceDatabase database) => database.Run("UPDATE commits SET number = number + 1");

    /// <summary>Reads what a connection sees.</summary>
    public static SoakContent Read(SourceDatabase database)
    {
        var rows = (string)database.Run(
            "SELECT coalesce(group_concat(row), '') FROM (SELECT id || ':' || hex(data) AS row FROM t ORDER BY id)")!;
        return new SoakContent(
            database.RunLong("SELECT number FROM commits"), Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(rows))));
    }
}
