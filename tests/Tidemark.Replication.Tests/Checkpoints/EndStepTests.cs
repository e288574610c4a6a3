using System.Buffers.Binary;
using Tidemark.Replicas.Files;
using Tidemark.Replication.Capture;
using Tidemark.Replication.Checkpoints;
using Tidemark.Replication.Tests.Capture;
using Tidemark.Testing.Databases;
using Xunit;

namespace Tidemark.Replication.Tests.Checkpoints;

/// <summary>Whether the start after an orderly end may believe that nothing has changed, without reading a page.</summary>
public sealed class EndStepTests
{
    [Fact]
    public async Task A_start_after_an_orderly_end_reads_no_page_of_an_untouched_file()
    {
        using var scene = Ended();
        scene.Start();
        scene.Source = SourceDatabase.Open(scene.DatabasePath);

        var result = scene.Capture();

        Assert.Equal((CaptureOutcome.AsLeft, 0), (result.Outcome, result.PageCount));
        scene.Source.Insert(3);
        Assert.Equal(CaptureOutcome.Frames, scene.Capture().Outcome);
        await scene.AssertAllRestoreAsync();
        await scene.AssertNewestIsProvenAsync();
    }

    [Fact]
    public void A_start_after_an_orderly_end_does_not_even_open_a_database_that_nobody_has_open()
    {
        using var scene = Ended();
        scene.Start();
        Assert.Equal(CaptureOutcome.Idle, CaptureStep.Run(scene.Database).Outcome);
        Assert.Null(scene.Database.Live);
        Assert.False(File.Exists(scene.DatabasePath + "-shm"));
    }

    [Fact]
    public void It_counts_until_the_database_is_opened()
    {
        using var scene = Ended();
        scene.Start();
        Assert.True(scene.Database.TryOpen());
        Assert.Equal(CaptureOutcome.AsLeft, CaptureStep.Run(scene.Database).Outcome);
        scene.Stop();
        scene.Source = SourceDatabase.Open(scene.DatabasePath);
        scene.Source.Run("PRAGMA wal_checkpoint(TRUNCATE)");
        scene.Start();

        Assert.Equal(CaptureOutcome.NoDifference, scene.Capture().Outcome);
    }

    [Fact]
    public async Task A_change_by_an_application_that_came_and_went_is_found()
    {
        using var scene = Ended();
        using (var application = SourceDatabase.Open(scene.DatabasePath))
        {
            application.Run("UPDATE t SET data = randomblob(100) WHERE id = 50");
        }

        Assert.False(File.Exists(scene.DatabasePath + "-wal"));
        scene.Source = SourceDatabase.Open(scene.DatabasePath);
        scene.Start();

        Assert.Equal(CaptureOutcome.Difference, scene.Capture().Outcome);
        await scene.AssertNewestIsProvenAsync();
    }

    [Fact]
    public async Task A_wal_that_was_begun_since_is_captured_without_a_comparison()
    {
        using var scene = Ended();
        scene.Source = SourceDatabase.Open(scene.DatabasePath);
        scene.Source.Run("UPDATE t SET data = randomblob(100) WHERE id = 50");
        scene.Start();

        Assert.Equal(CaptureOutcome.Frames, scene.Capture().Outcome);
        await scene.AssertAllRestoreAsync();
        await scene.AssertNewestIsProvenAsync();
    }

    [Fact]
    public async Task A_wal_of_which_something_is_in_the_file_is_compared()
    {
        using var scene = Ended();
        scene.Source = SourceDatabase.Open(scene.DatabasePath);
        scene.Source.Run("UPDATE t SET data = randomblob(100) WHERE id = 50");
        scene.Source.Run("PRAGMA wal_checkpoint(PASSIVE)");
        scene.Source.Run("UPDATE t SET data = randomblob(100) WHERE id = 90");
        scene.Start();

        Assert.Equal(CaptureOutcome.Difference, scene.Capture().Outcome);
        await scene.AssertNewestIsProvenAsync();
    }

    [Theory]
    [InlineData("written in place")]
    [InlineData("replaced")]
    public async Task Another_content_of_the_same_size_and_time_is_found(string how)
    {
        using var scene = Ended();
        AwaitTick(scene);
        var before = PhysicalFileSystem.Instance.TryGetFacts(scene.DatabasePath)!.Value;
        var bytes = await File.ReadAllBytesAsync(scene.DatabasePath, TestContext.Current.CancellationToken);
        bytes[^10] ^= 1; // in the data of a row
        if (how == "replaced")
        {
            await File.WriteAllBytesAsync(scene.Folder["copy.db"], bytes, TestContext.Current.CancellationToken);
            File.Move(scene.Folder["copy.db"], scene.DatabasePath, overwrite: true);
        }
        else
        {
            await File.WriteAllBytesAsync(scene.DatabasePath, bytes, TestContext.Current.CancellationToken);
        }

        PhysicalFileSystem.Instance.SetModified(scene.DatabasePath, before.Modified);
        Assert.Equal(before, PhysicalFileSystem.Instance.TryGetFacts(scene.DatabasePath));
        scene.Source = SourceDatabase.Open(scene.DatabasePath);
        scene.Start();

        Assert.Equal(CaptureOutcome.Difference, scene.Capture().Outcome);
        await scene.AssertNewestIsProvenAsync();
    }

    [Fact]
    public void A_write_between_the_two_moves_leaves_no_word()
    {
        using var scene = new CaptureScene();
        scene.Source.Insert(100);
        scene.Capture();
        var prepared = EndStep.Prepare(scene.Database);
        Assert.NotNull(prepared);
        PhysicalFileSystem.Instance.SetModified(scene.DatabasePath, scene.Time.GetUtcNow());
        scene.Source.Dispose();

        EndStep.Complete(scene.Database, prepared);

        Assert.Null(scene.Spool.ReadEnd());
    }

    [Fact]
    public void Commits_after_the_last_capture_leave_no_word()
    {
        using var scene = new CaptureScene();
        scene.Source.Insert(100);
        scene.Capture();
        scene.Source.Insert(1);

        Assert.Null(EndStep.Prepare(scene.Database));
    }

    [Fact]
    public void An_application_that_goes_on_leaves_no_word()
    {
        using var scene = new CaptureScene();
        scene.Source.Insert(100);
        scene.Capture();

        scene.End();

        Assert.True(File.Exists(scene.DatabasePath + "-wal"));
        Assert.Null(scene.Spool.ReadEnd());
    }

    [Fact]
    public void After_another_start_of_the_machine_pages_are_compared()
    {
        using var scene = Ended();
        scene.Start();
        var end = scene.Spool.ReadEnd()!;
        scene.Spool.WriteEnd(end with { Stamp = end.Stamp with { Boot = end.Stamp.Boot + 1 } });
        scene.Restart();

        Assert.Equal(CaptureOutcome.NoDifference, CaptureStep.Run(scene.Database).Outcome);
    }

    [Fact]
    public void A_record_that_is_torn_or_of_another_capture_is_not_believed()
    {
        using var scene = Ended();
        scene.Start();
        var end = scene.Spool.ReadEnd()!;
        var record = new byte[OrderlyEndRecord.Size];
        OrderlyEndRecord.Write(record, end);
        Assert.Equal(end, OrderlyEndRecord.TryRead(record));
        for (var i = 0; i < record.Length; i++)
        {
            record[i] ^= 1;
            Assert.Null(OrderlyEndRecord.TryRead(record));
            record[i] ^= 1;
        }

        Assert.Null(OrderlyEndRecord.TryRead(record.AsSpan(1)));
        BinaryPrimitives.WriteUInt64LittleEndian(record, 0);
        Assert.Null(OrderlyEndRecord.TryRead(record));
        scene.Spool.WriteEnd(end with { Txid = end.Txid.Next() });
        scene.Restart();
        Assert.Equal(CaptureOutcome.NoDifference, CaptureStep.Run(scene.Database).Outcome);
    }

    // What the quiet time is for: the next change of a file has another time.
    private static void AwaitTick(CaptureScene scene)
    {
        var last = PhysicalFileSystem.Instance.TryGetStamp(scene.DatabasePath)!.Value.ChangedNs;
        PhysicalFileSystem.Instance.Open(scene.Folder["tick"], FileMode.Create, FileAccess.Write).Dispose();
        do
        {
            PhysicalFileSystem.Instance.SetModified(scene.Folder["tick"], scene.Time.GetUtcNow());
        }
        while (PhysicalFileSystem.Instance.TryGetStamp(scene.Folder["tick"])!.Value.ChangedNs <= last);
    }

    /// <summary>A database that was captured and left in order, with no application that has it open.</summary>
    private static CaptureScene Ended()
    {
        var scene = new CaptureScene();
        scene.Source.Insert(100);
        scene.Capture();
        scene.Source.Dispose();
        scene.End();
        Assert.False(File.Exists(scene.DatabasePath + "-wal"));
        Assert.NotNull(scene.Spool.ReadEnd());
        scene.Stop();
        return scene;
    }
}
