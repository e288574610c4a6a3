using Tidemark.Testing;
using Tidemark.Testing.Databases;
using Xunit;

namespace Tidemark.Interop.Tests;

/// <summary>A database that reaches beyond 1 GiB, where SQLite keeps a page for its locks that no file of a replica holds.</summary>
public sealed class LargeDatabaseTests
{
    private const long LockPageOffset = 0x4000_0000;
    private const int BlobBytes = 200_000_000;
    private const int Blobs = 6;

    [Theory]
    [InlineData(4096)]
    [InlineData(65536)]
    public async Task A_database_beyond_its_lock_page_is_captured_and_restored_page_for_page(int pageSize)
    {
        using var folder = new TemporaryFolder();
        var replication = new DatabaseReplication(folder["app.db"], folder["replica"]);
        using (var source = SourceDatabase.Open(folder["app.db"], pageSize))
        {
            source.CreateTable();
            await replication.RunOnceAsync();
            for (var i = 0; i < Blobs; i++)
            {
                source.Run($"INSERT INTO t(data) VALUES (zeroblob({BlobBytes}))");
            }

            // Random rows on both sides of the lock page, so that a page at the wrong place shows.
            source.Insert(100, pageSize);
            var grown = await replication.RunOnceAsync();
            source.Run("DELETE FROM t WHERE id = 2");
            source.Insert(100, pageSize);
            Assert.Equal(grown.Next(), await replication.RunOnceAsync());
        }

        await AssertRestoresAsync(replication, folder, pageSize);

        // Without its spool the whole database is compared or written anew, again across the lock page.
        Directory.Delete(folder[".app.db-tidemark"], recursive: true);
        using (var source = SourceDatabase.Open(folder["app.db"], pageSize))
        {
            source.Insert(1);
            await replication.RunOnceAsync();
        }

        await AssertRestoresAsync(replication, folder, pageSize);
    }

    // The source is closed, so its file is the whole of its state and may be read.
    private static async Task AssertRestoresAsync(DatabaseReplication replication, TemporaryFolder folder, int pageSize)
    {
        Assert.False(File.Exists(folder["app.db-wal"]));
        var result = await replication.RestoreToAsync(folder["out.db"]);
        Assert.True(result.SizeBytes > LockPageOffset);
        Assert.True(result.IsProven);
        Assert.Null(PlainFile.FirstDifferentPage(folder["app.db"], folder["out.db"], pageSize));
        File.Delete(folder["out.db"]);
    }
}
