using Tidemark.Replicas.Files;
using Tidemark.Testing;
using Tidemark.Testing.Databases;
using Xunit;

namespace Tidemark.Replicas.Tests.Follow;

/// <summary>What SQLite says of a followed database.</summary>
internal static class Followed
{
    /// <summary>Lets SQLite open a copy of the database and its journal, and gives all pages as SQLite serialises them.</summary>
    public static byte[] ReadCopy(byte[] database, byte[]? journal)
    {
        using var folder = new TemporaryFolder();
        Write(folder["copy.db"], database);
        if (journal is not null)
        {
            Write(folder["copy.db-journal"], journal);
        }

        return Read(folder["copy.db"]);
    }

    /// <summary>Lets SQLite check the database, and gives all pages as SQLite serialises them.</summary>
    public static byte[] Read(string path)
    {
        using var reader = SourceDatabase.Open(path, journalMode: "delete");
        Assert.Equal("ok", reader.Run("PRAGMA integrity_check"));
        Assert.Equal(0, reader.RunLong("SELECT coalesce(sum(balance), 0) FROM accounts"));
        return reader.Serialize();
    }

    public static void AssertSame(byte[] expected, byte[] actual, string what = "")
    {
        Assert.True(expected.Length == actual.Length, $"{what}: {actual.Length} bytes instead of {expected.Length}");
        Assert.True(FollowedPages.Neutral(expected).AsSpan().SequenceEqual(FollowedPages.Neutral(actual)), $"{what}: pages differ");
    }

    public static void Write(string path, byte[] content)
    {
        using var file = PhysicalFileSystem.Instance.Open(path, FileMode.Create, FileAccess.ReadWrite);
        file.Write(0, content);
    }
}
