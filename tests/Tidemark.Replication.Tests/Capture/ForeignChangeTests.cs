using Tidemark.Formats.Wal;
using Tidemark.Replicas.Files;
using Tidemark.Replication.Capture;
using Tidemark.Replication.Checkpoints;
using Tidemark.Replication.Databases;
using Tidemark.Replication.Tests.Databases;
using Tidemark.Testing.Databases;
using Tidemark.Testing.Peers;
using Xunit;

namespace Tidemark.Replication.Tests.Capture;

/// <summary>What people do to the files of a database that only Tidemark still has open.</summary>
public sealed class ForeignChangeTests
{
    [Theory]
    [InlineData(20)]
    [InlineData(400)]
    public async Task A_file_that_is_copied_over_it_does_not_get_the_old_wal(int rows)
    {
        using var scene = Scene();
        using (var other = SourceDatabase.Open(scene.Folder["other.db"]))
        {
            other.CreateTable();
            other.Insert(rows);
        }

        await PeerProcess.RunAsync("cp", [scene.Folder["other.db"], scene.DatabasePath]);
        Assert.True(scene.Database.LookForForeignChange());

        Assert.Equal((ForeignChange.DatabaseWasWritten, AbandonedWal.MovedAway), Assert.Single(scene.Abandoned));
        Assert.Null(scene.Database.Live);
        Assert.Equal($"{rows}\nok\n", OtherProcess.Run(scene.DatabasePath, "SELECT count(*) FROM t; PRAGMA integrity_check"));
        Assert.True(File.Exists(scene.Spool.ReplacedWalPath));
        await AssertGoesOnAsync(scene);
    }

    [Fact]
    public async Task A_file_that_is_moved_away_takes_with_it_what_is_in_its_wal()
    {
        using var scene = Scene();
        await PeerProcess.RunAsync("mv", [scene.DatabasePath, scene.Folder["moved.db"]]);
        Assert.True(scene.Database.LookForForeignChange());

        Assert.Equal((ForeignChange.DatabaseIsGone, AbandonedWal.Copied), Assert.Single(scene.Abandoned));
        Assert.Equal("100\nok\n", OtherProcess.Run(scene.Folder["moved.db"], "SELECT count(*) FROM t; PRAGMA integrity_check"));
    }

    [Fact]
    public async Task A_page_that_nobody_has_copied_is_not_left_behind_as_captured()
    {
        using var scene = Scene();
        Assert.True(new CheckpointStep(scene.Database, new CheckpointPolicy(1, TimeSpan.Zero)).Run(CheckpointAction.Drain).Progress.IsComplete);
        await PeerProcess.RunAsync(
            "dd", ["if=/dev/urandom", $"of={scene.DatabasePath}", "bs=4096", "seek=2", "count=1", "conv=notrunc", "status=none"]);
        Assert.False(scene.Database.CheckSample());

        Assert.Equal(ForeignChange.DatabaseWasWritten, Assert.Single(scene.Abandoned).Change);
        Assert.Null(EndStep.Prepare(scene.Database));
    }

    [Theory]
    [InlineData("-wal")]
    [InlineData("-shm")]
    [InlineData("-wal", "-shm")]
    public async Task Of_removed_files_nothing_is_missed(params string[] removed)
    {
        using var scene = Scene();
        await PeerProcess.RunAsync("rm", [.. removed.Select(name => scene.DatabasePath + name)]);
        Assert.True(scene.Database.LookForForeignChange());

        Assert.Equal(AbandonedWal.Copied, Assert.Single(scene.Abandoned).Wal);
        Assert.Equal("100\nok\n", OtherProcess.Run(scene.DatabasePath, "SELECT count(*) FROM t; PRAGMA integrity_check"));
        await AssertGoesOnAsync(scene);
    }

    [Fact]
    public async Task Rows_that_an_application_has_written_with_an_index_of_its_own_stay()
    {
        using var scene = Scene();
        await PeerProcess.RunAsync("rm", [scene.DatabasePath + "-shm"]);
        OtherProcess.Run(scene.DatabasePath, "INSERT INTO t(data) VALUES('late')");
        Assert.True(scene.Database.LookForForeignChange());

        Assert.Equal((ForeignChange.IndexWasReplaced, AbandonedWal.NotOurs), Assert.Single(scene.Abandoned));
        Assert.Equal("101\nok\n", OtherProcess.Run(scene.DatabasePath, "SELECT count(*) FROM t; PRAGMA integrity_check"));
        await AssertGoesOnAsync(scene);
    }

    [Fact]
    public async Task A_new_time_alone_costs_no_row()
    {
        using var scene = Scene();
        await PeerProcess.RunAsync("touch", [scene.DatabasePath]);
        Assert.True(scene.Database.LookForForeignChange());

        Assert.Equal((ForeignChange.DatabaseWasWritten, AbandonedWal.Copied), Assert.Single(scene.Abandoned));
        Assert.Equal("100\nok\n", OtherProcess.Run(scene.DatabasePath, "SELECT count(*) FROM t; PRAGMA integrity_check"));
        await AssertGoesOnAsync(scene);
    }

    [Fact]
    public async Task An_index_that_is_cut_off_is_seen_and_ends_nothing()
    {
        using var scene = Scene();
        await PeerProcess.RunAsync("truncate", ["-s", "0", scene.DatabasePath + "-shm"]);

        Assert.True(scene.Database.LookForForeignChange());
        Assert.Equal("100\nok\n", OtherProcess.Run(scene.DatabasePath, "SELECT count(*) FROM t; PRAGMA integrity_check"));
        await AssertGoesOnAsync(scene);
    }

    [Fact]
    public async Task Nothing_is_opened_while_a_copy_goes_on()
    {
        using var scene = Scene();
        await PeerProcess.RunAsync("dd", ["if=/dev/zero", $"of={scene.DatabasePath}", "bs=100", "count=1", "conv=notrunc", "status=none"]);
        Assert.True(scene.Database.LookForForeignChange());

        Assert.True(scene.Database.IsSettling);
        Assert.True(Assert.Throws<DatabaseException>(() => CaptureStep.Run(scene.Database)).IsTransient);
        scene.Time.Advance(TimeSpan.FromMilliseconds(900));
        await PeerProcess.RunAsync("dd", ["if=/dev/zero", $"of={scene.DatabasePath}", "bs=100", "count=2", "conv=notrunc", "status=none"]);
        Assert.True(scene.Database.IsSettling);
        scene.Time.Advance(TimeSpan.FromMilliseconds(900));
        Assert.True(scene.Database.IsSettling);
        scene.Time.Advance(TimeSpan.FromMilliseconds(200));
        Assert.False(scene.Database.IsSettling);
    }

    [Theory]
    [InlineData(100)]
    [InlineData(2000)]
    public async Task Pages_come_out_of_the_bytes_that_were_verified(int rows)
    {
        using var scene = new CaptureScene();
        scene.Capture();
        scene.Source.Insert(rows, bytesOfRow: 1000);
        var end = scene.Database.Live!.ReadNewest().End!.Value;
        await PeerProcess.RunAsync("cp", [scene.DatabasePath + "-wal", scene.Folder["copy-wal"]]);
        using var wal = WalFile.Open(scene.Files, scene.Folder["copy-wal"], end);
        var first = scene.Position.Frame + 1;
        _ = wal.Scan(first, scene.Position.FrameChecksum!.Value, end.FrameCount, long.MaxValue, new WalPageMap());
        var pages = new byte[(int)(end.FrameCount - first + 1) * 4096];
        if (rows == 100)
        {
            // One read has taken all of it, so what happens to the file does not matter.
            Overwrite(scene, end.FrameCount);
            wal.ReadPages(first, pages);
            Assert.DoesNotContain(pages.Chunk(4096), page => page.AsSpan(0, 100).IndexOfAnyExcept((byte)0) < 0);
        }
        else
        {
            wal.ReadPages(first, pages);
            Overwrite(scene, end.FrameCount);
            Assert.Throws<WalMismatchException>(() => wal.ReadPages(first, pages));
        }
    }

    private static void Overwrite(CaptureScene scene, uint frame)
    {
        using var file = PhysicalFileSystem.Instance.Open(scene.Folder["copy-wal"], FileMode.Open, FileAccess.ReadWrite);
        file.Write(WalFrameHeader.OffsetOf(frame, scene.Position.PageSize) + WalFrameHeader.Size, new byte[100]);
    }

    private static CaptureScene Scene()
    {
        var scene = new CaptureScene(hasProcessToItself: true);
        scene.Source.Insert(100);
        scene.Capture();
        scene.Source.Dispose();
        return scene;
    }

    private static async Task AssertGoesOnAsync(CaptureScene scene)
    {
        scene.Source = SourceDatabase.Open(scene.DatabasePath);
        _ = scene.Database.IsSettling;
        scene.Time.Advance(TimeSpan.FromSeconds(2));
        scene.Capture();
        scene.Source.Insert(3);
        scene.Capture();
        await scene.ReconcileAsync();
        await scene.AssertNewestRestoresAsync();
    }
}
