using System.Buffers.Binary;
using Tidemark.Formats;
using Tidemark.Replicas.Files;
using Tidemark.Replicas.Stores;
using Tidemark.Testing;
using Tidemark.Testing.Databases;
using Xunit;

namespace Tidemark.Interop.Tests;

/// <summary>A database that reaches beyond 1 GiB, where SQLite keeps a page for its locks that no file of a replica holds.</summary>
public sealed class LargeDatabaseTests
{
    private const int LockPageOffset = 0x4000_0000;
    private const int PageCountOffset = 28;
    private const int PagesBelow = 40;

    [Fact]
    public async Task A_database_that_grows_over_its_lock_page_is_captured_and_restored_page_for_page()
    {
        const int pageSize = 4096;
        using var folder = new TemporaryFolder();
        var replication = new DatabaseReplication(folder["app.db"], folder["replica"]);
        CreateBelowLockPage(folder["app.db"], pageSize);
        using (var source = SourceDatabase.Open(folder["app.db"], pageSize))
        {
            var image = await replication.RunOnceAsync();
            GrowOverLockPage(source, pageSize);
            Assert.Equal(image.Next(), await replication.RunOnceAsync());

            // Changes on both sides of it.
            source.Run("DELETE FROM t WHERE id % 3 = 0");
            source.Insert(PagesBelow, pageSize);
            Assert.Equal(image.Next().Next(), await replication.RunOnceAsync());
        }

        await AssertRestoresAsync(replication, folder, pageSize);
    }

    [Fact]
    public async Task The_image_of_a_database_that_reaches_over_its_lock_page_restores_page_for_page()
    {
        const int pageSize = 65536;
        using var folder = new TemporaryFolder();
        var replication = new DatabaseReplication(folder["app.db"], folder["replica"]);
        CreateBelowLockPage(folder["app.db"], pageSize);
        using (var source = SourceDatabase.Open(folder["app.db"], pageSize))
        {
            GrowOverLockPage(source, pageSize);
            Assert.Equal(Txid.First, await replication.RunOnceAsync());
        }

        await AssertRestoresAsync(replication, folder, pageSize);
    }

    [Fact]
    public async Task What_is_compacted_over_the_lock_page_restores_page_for_page_issue_84_of_ltx()
    {
        const int pageSize = 65536;
        using var folder = new TemporaryFolder();
        var replication = new DatabaseReplication(folder["app.db"], folder["replica"]);
        CreateBelowLockPage(folder["app.db"], pageSize);
        using (var source = SourceDatabase.Open(folder["app.db"], pageSize))
        {
            await replication.RunOnceAsync();
            GrowOverLockPage(source, pageSize);
            await replication.RunOnceAsync();
            source.Run("DELETE FROM t WHERE id % 3 = 0");
            await replication.RunOnceAsync();
        }

        using var compaction = await ReplicaCompaction.OpenAsync(new LocalStore(replication.ReplicaPath, PhysicalFileSystem.Instance));
        Assert.Single(await compaction.CompactAsync(level: 1));
        await AssertRestoresAsync(replication, folder, pageSize);
        await compaction.ComposeAsync();
        await AssertRestoresAsync(replication, folder, pageSize);
    }

    private static void CreateBelowLockPage(string path, int pageSize)
    {
        using (var source = SourceDatabase.Open(path, pageSize))
        {
            source.CreateTable();
            source.Insert(10);
        }

        ExtendTowardsLockPage(path, pageSize);
    }

    private static void GrowOverLockPage(SourceDatabase source, int pageSize)
    {
        source.Insert(PagesBelow * 2, pageSize);
        Assert.True(source.RunLong("PRAGMA page_count") > (LockPageOffset / pageSize) + (PagesBelow / 2));
    }

    // Pages that nobody uses, as a hole in the file: nobody has to write a gigabyte. SQLite goes on behind them.
    private static void ExtendTowardsLockPage(string path, int pageSize)
    {
        var pageCount = (LockPageOffset / pageSize) - PagesBelow;
        Span<byte> bytes = stackalloc byte[sizeof(int)];
        BinaryPrimitives.WriteInt32BigEndian(bytes, pageCount);
        using var file = PhysicalFileSystem.Instance.Open(path, FileMode.Open, FileAccess.ReadWrite);
        file.Write(PageCountOffset, bytes);
        file.SetLength((long)pageCount * pageSize);
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
