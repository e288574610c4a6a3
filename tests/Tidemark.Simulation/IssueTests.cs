using Tidemark.Formats;
using Tidemark.Formats.Ltx;
using Tidemark.Replicas.Catalog;
using Tidemark.Replicas.Leases;
using Tidemark.Replicas.Restore;
using Tidemark.Replicas.Stores;
using Tidemark.Testing.Files;
using Xunit;

namespace Tidemark.Simulation;

/// <summary>What has cost users of replication their data, by the number of the issue where they told of it, against the whole
/// engine.</summary>
public sealed class IssueTests
{
    private static readonly Level s_first = new(1);

    [Theory]
    [InlineData("PASSIVE")]
    [InlineData("FULL")]
    [InlineData("RESTART")]
    [InlineData("TRUNCATE")]
    public void A_checkpoint_between_the_reading_of_the_wal_and_the_lock_loses_nothing_issue_1337(string mode)
    {
        using var script = new Script();
        script.Insert();
        script.Replicate();
        for (var round = 0; round < 3; round++)
        {
            script.Insert();
            var isDone = false;
            script.Opening = path =>
            {
                if (!isDone && path.EndsWith("-wal", StringComparison.Ordinal))
                {
                    isDone = true;
                    script.Insert();
                    script.ForeignCheckpoint(mode);
                    script.Insert();
                }
            };
            script.Capture();
            script.Opening = null;
            Assert.True(isDone);
            script.Insert();
            script.Checkpoint();
            script.Replicate();
            script.CheckNewest();
        }

        script.Replica.CheckPromised(null);
    }

    [Theory]
    [InlineData("RESTART")]
    [InlineData("TRUNCATE")]
    public void A_wal_that_starts_over_again_and_again_is_captured_to_its_end_issue_1083(string mode)
    {
        using var script = new Script();
        for (var round = 0; round < 20; round++)
        {
            script.Insert(round);
            script.Replicate();
            script.ForeignCheckpoint(mode);
            script.Insert();
            script.ForeignCheckpoint(mode);
            script.Insert(round);
            script.Replicate();
            script.CheckNewest();
        }

        Assert.DoesNotContain(script.Replica.Files, file => file.MinTxid != file.MaxTxid);
    }

    [Theory]
    [InlineData("RESTART")]
    [InlineData("TRUNCATE")]
    public void Nobody_can_reset_a_wal_whose_frames_are_not_captured_issue_1432(string mode)
    {
        using var script = new Script();
        script.Insert();
        script.Replicate();
        script.Insert(100);

        Assert.True(script.ForeignCheckpoint(mode));

        script.Insert();
        script.Replicate();
        script.CheckNewest();
    }

    [Theory]
    [InlineData("PASSIVE")]
    [InlineData("TRUNCATE")]
    public void A_checkpoint_while_nobody_replicates_costs_the_pages_that_differ_issues_752_and_753(string mode)
    {
        using var script = new Script();
        script.Insert(2000);
        script.Replicate();
        script.Stop();
        script.Insert();
        script.ForeignCheckpoint(mode);
        script.Insert();
        script.Start();
        script.Replicate();

        script.CheckNewest();
        var sizes = script.Replica.Files.Select(file => file.SizeBytes).ToArray();
        Assert.Equal(2, sizes.Length);
        Assert.True(sizes[1] < sizes[0] / 4);
    }

    [Fact]
    public void After_a_restore_to_an_older_state_replication_goes_on_at_once_issue_781()
    {
        using var script = new Script();
        script.Insert();
        script.Replicate();
        var older = script.Source.Serialize();
        for (var i = 0; i < 10; i++)
        {
            script.Insert();
            script.Replicate();
        }

        var before = script.Captured;
        script.ReplaceDatabase(older);
        script.Insert(1);
        script.Replicate();

        Assert.Equal(before.Next(), script.Captured);
        script.CheckNewest();
        script.Replica.CheckPromised(null);
    }

    [Fact]
    public void Every_moment_of_the_last_day_can_be_restored_however_long_it_has_run_issues_771_and_1038()
    {
        using var script = new Script();
        var moments = new List<DateTimeOffset>();
        for (var step = 0; step < 50 * 4; step++)
        {
            script.Insert(1);
            script.Replicate();
            script.Time.Advance(TimeSpan.FromMinutes(15));
            script.Maintain();
            script.Replica.CheckFiles();
            moments.Add(script.Time.GetUtcNow());
        }

        Assert.True(script.Replica.Deletions > 100);
        foreach (var moment in moments.Where(moment => moment > script.Time.GetUtcNow() - TimeSpan.FromHours(24)))
        {
            var plan = script.Replica.TryPlan(new RestoreTarget.Before(moment), mustSucceed: true)!;
            script.Replica.CarryOut(plan, mustSucceed: true);
            Assert.InRange(moment - plan.Files[^1].Created, TimeSpan.Zero, TimeSpan.FromHours(1.5));
        }
    }

    [Fact]
    public void A_restore_that_is_under_way_finds_its_files_while_retention_runs_issue_1270()
    {
        using var script = new Script();
        RestorePlan? plan = null;
        for (var step = 0; step < 30 * 20; step++)
        {
            script.Insert(1);
            script.Replicate();
            script.Time.Advance(TimeSpan.FromSeconds(30));
            script.Maintain();
            if (step % 9 == 0)
            {
                var files = script.Replica.Files;
                Assert.DoesNotContain(plan?.Files ?? [], file => file.Level != Level.Captured && !files.Contains(file));
                plan = script.Replica.TryPlan(new RestoreTarget.Latest(), mustSucceed: true);
            }
        }

        Assert.True(script.Replica.Deletions > 100);
    }

    [Fact]
    public void A_restore_that_takes_longer_than_files_are_kept_goes_on_with_others_issue_1307()
    {
        using var script = new Script();
        script.Insert();
        script.Replicate();
        script.Insert();
        script.Replicate();
        var plan = script.Replica.TryPlan(new RestoreTarget.Latest(), mustSucceed: true)!;
        for (var step = 0; step < 60; step++)
        {
            script.Insert(1);
            script.Replicate();
            script.Time.Advance(TimeSpan.FromHours(1));
            script.Maintain();
        }

        Assert.DoesNotContain(plan.Files, script.Replica.Files.Contains);
        script.Replica.CarryOut(plan, mustSucceed: true);
    }

    [Theory]
    [InlineData(2, true)]
    [InlineData(5, true)]
    [InlineData(2, false)]
    [InlineData(5, false)]
    public void A_file_that_never_arrived_does_not_stop_compaction_issue_1151(ulong missing, bool isInSpool)
    {
        using var script = new Script();
        for (var i = 0; i < 8; i++)
        {
            script.Insert();
            script.Replicate();
        }

        var key = new LtxFileKey(Level.Captured, new LtxFileName(new Txid(missing), new Txid(missing)));
        script.Replica.Lose(key);
        if (!isInSpool)
        {
            script.Spool.DeleteUpTo(script.Captured);
        }

        for (var i = 0; i < 8; i++)
        {
            script.Insert();
            script.Replicate();
            script.Time.Advance(TimeSpan.FromMinutes(30));
            script.Maintain();
            script.Ship();
        }

        Assert.Null(script.Worker.GetStatus().MaintenanceFailure);
        var files = script.Replica.Files;
        Assert.True(files.Where(file => file.Level == s_first).Max(file => file.MaxTxid.Value) >= script.Captured.Value - 1);
        script.CheckNewest();
    }

    [Fact]
    public void A_compacted_file_that_is_damaged_is_made_anew_while_the_database_rests()
    {
        using var script = new Script();
        for (var i = 0; i < 5; i++)
        {
            script.Insert();
            script.Replicate();
            if (i % 2 == 0)
            {
                script.Time.Advance(TimeSpan.FromSeconds(31));
                script.Maintain();
            }
        }

        script.Replica.Flip(script.Replica.Files.Last(file => file.Level == s_first).Key);
        for (var i = 0; i < 3; i++)
        {
            script.Time.Advance(TimeSpan.FromMinutes(5));
            script.Maintain();
        }

        script.CheckNewest();
        Assert.Contains(script.Replica.Files, file => file.Level == new Level(2));
    }

    [Fact]
    public void Captures_stay_when_the_compacted_file_that_takes_their_place_has_vanished()
    {
        using var script = new Script();
        for (var i = 0; i < 15; i++)
        {
            script.Insert();
            script.Replicate();
            if (i % 5 == 4)
            {
                script.Time.Advance(TimeSpan.FromSeconds(31));
                script.Maintain();
            }
        }

        script.Spool.DeleteUpTo(script.Captured);
        script.Replica.Lose(script.Replica.Files.Last(file => file.Level == s_first).Key);
        for (var i = 0; i < 10; i++)
        {
            script.Time.Advance(TimeSpan.FromMinutes(5));
            script.Maintain();
            Assert.Equal(script.Captured, script.Replica.TryPlan(new RestoreTarget.Latest(), mustSucceed: true)!.MaxTxid);
            script.Ship();
        }

        script.CheckNewest();
        Assert.Contains(script.Replica.Files, file => file.Level == new Level(2));
    }

    [Fact]
    public void A_clock_that_is_set_back_while_maintenance_runs_makes_nothing_old()
    {
        using var script = new Script();
        for (var i = 0; i < 4; i++)
        {
            script.Insert();
            script.Replicate();
            script.Time.Advance(TimeSpan.FromMinutes(2));
        }

        var isSetBack = false;
        script.Replica.Written = key =>
        {
            if (!isSetBack && key.Level == s_first)
            {
                isSetBack = true;
                script.Time.Jump(TimeSpan.FromDays(-3));
                script.Insert();
                script.Replicate();
            }
        };
        script.Maintain();

        Assert.True(isSetBack);
        Assert.Contains(script.Replica.Files, file => file.Level == Level.Snapshots && file.MaxTxid == script.Captured);
        script.Replica.CheckFiles();
        script.Replica.CheckPromised(null);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(9)]
    public void A_file_that_was_read_wrong_once_is_neither_given_up_nor_written_again(int level)
    {
        using var script = new Script(options => options with { L0Retention = TimeSpan.FromSeconds(10) });
        for (var i = 0; i < 10; i++)
        {
            script.Insert();
            script.Replicate();
            script.Time.Advance(TimeSpan.FromSeconds(20));
            script.Maintain();
        }

        script.Spool.DeleteUpTo(script.Captured);
        var file = script.Replica.Files.Last(file => file.Level == new Level(level));
        script.Replica.Misread(file.Key);
        var compactions = script.Replica.Compactions;
        for (var hour = 0; hour < 25; hour++)
        {
            script.Time.Advance(TimeSpan.FromHours(1));
            script.Insert();
            script.Replicate();
            script.Maintain();
            script.Ship();
            Assert.Null(script.Worker.GetStatus().MaintenanceFailure);
            Assert.Null(script.Worker.WantedImage);
        }

        Assert.True(script.Replica.Compactions > compactions);
        Assert.Contains(file, script.Replica.Files);
        Assert.DoesNotContain(script.Replica.Files, found => found.Level == Level.Captured && found.MinTxid != found.MaxTxid);
        script.CheckNewest();
        script.Replica.CheckPromised(null);
    }

    [Fact]
    public void A_damaged_file_that_compaction_makes_anew_after_a_failure_counts_from_then_on()
    {
        using var script = new Script(options => options with { L0Retention = TimeSpan.FromHours(1) });
        for (var i = 0; i < 15; i++)
        {
            script.Insert();
            script.Replicate();
            if (i % 5 == 4)
            {
                script.Time.Advance(TimeSpan.FromSeconds(31));
                script.Maintain();
            }
        }

        var damaged = script.Replica.Files.Last(file => file.Level == s_first).Key;
        script.Replica.Flip(damaged);
        script.Replica.Writing = key =>
        {
            if (key == damaged)
            {
                throw new ReplicaStoreException($"{key}: an injected fault.", null) { IsTransient = true };
            }
        };
        script.Time.Advance(TimeSpan.FromMinutes(5));
        script.Maintain();
        Assert.NotNull(script.Worker.GetStatus().MaintenanceFailure);
        Assert.DoesNotContain(script.Worker.Catalog!.Files, file => file.Key == damaged);

        script.Replica.Writing = null;
        foreach (var minutes in (int[])[1, 60, 1])
        {
            script.Time.Advance(TimeSpan.FromMinutes(minutes));
            script.Maintain();
            Assert.Equal(script.Replica.Files, script.Worker.Catalog!.Files);
        }

        Assert.Null(script.Worker.GetStatus().MaintenanceFailure);
        Assert.Single(script.Replica.Files, file => file.Level == Level.Captured);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_damaged_file_that_cannot_be_made_anew_is_led_past_and_goes_also_after_a_restart(bool isRestarted)
    {
        using var script = new Script(options => options with { L0Retention = TimeSpan.FromSeconds(10) });
        for (var i = 0; i < 15; i++)
        {
            script.Insert();
            script.Replicate();
            script.Time.Advance(TimeSpan.FromSeconds(10));
            script.Maintain();
        }

        script.Spool.DeleteUpTo(script.Captured);
        var damaged = script.Replica.Files.Last(file => file.Level == s_first).Key;
        Assert.DoesNotContain(script.Replica.Files, file => file.Level == Level.Captured && file.MaxTxid < damaged.Name.MaxTxid);
        script.Replica.Flip(damaged);
        script.Time.Advance(TimeSpan.FromMinutes(5));
        script.Maintain();
        Assert.Contains(script.Replica.Files, file => file.Key == damaged);
        if (isRestarted)
        {
            script.Stop();
            script.Start();
        }

        for (var i = 0; i < 3; i++)
        {
            script.Replicate();
            script.Time.Advance(TimeSpan.FromHours(i == 0 ? 25 : 1)); // The next snapshot is composed.
            script.Insert();
            script.Replicate();
            script.Maintain();
            script.Ship();
        }

        Assert.DoesNotContain(script.Replica.Files, file => file.Key == damaged);
        Assert.Null(script.Worker.GetStatus().MaintenanceFailure);
        script.CheckNewest();
    }

    [Fact]
    public void A_second_writer_that_maintenance_finds_ends_shipping_too_though_there_is_nothing_to_ship_issue_1301()
    {
        using var script = new Script();
        for (var i = 0; i < 3; i++)
        {
            script.Insert();
            script.Replicate();
        }

        var other = new ClaimStep(script.Replica, Lineage.Create(), script.Time, TimeSpan.FromSeconds(30));
        World.Wait(other.TakeAsync(CancellationToken.None));
        script.Time.Advance(TimeSpan.FromMinutes(1));
        script.Ship();
        var files = script.Replica.Files;
        script.Maintain();

        Assert.NotNull(script.Worker.GetStatus().MaintenanceFailure);
        Assert.Throws<ReplicaConflictException>(script.Ship);
        Assert.Equal(files, script.Replica.Files);
        Assert.Throws<ReplicaConflictException>(() => World.Wait(other.ConfirmNowAsync(CancellationToken.None)));
    }

    [Fact]
    public void Two_writers_on_one_destination_stop_and_neither_harms_the_other_issue_1301()
    {
        for (var seed = 1; seed <= 10; seed++)
        {
            using var world = new World(seed);
            for (var step = 0; step < 60; step++)
            {
                world.Step();
            }

            using var copy = world.Copy(seed + 1000);
            for (var step = 0; step < 1000 && !(world.HasStopped && copy.HasStopped); step++)
            {
                if (!world.HasStopped)
                {
                    world.Step();
                }

                if (!copy.HasStopped)
                {
                    copy.Step();
                }
            }

            // One that starts anew after the other has stopped goes on with good reason.
            Assert.True(world.HasStopped || copy.HasStopped, $"Seed {seed}: one has stopped.\n{world.Trace}\n\n{copy.Trace}");
            world.GoOnAlone();
            world.End();
        }
    }

    [Fact]
    public void A_file_that_is_written_in_part_is_never_seen_issue_1318()
    {
        var own = new MemoryFileSystem();
        var disk = new Disk(own);
        var store = new LocalStore("/replica", disk);
        using var script = new Script();
        script.Insert();
        script.Replicate();
        var file = script.Replica.Files[0];
        for (var operation = 1; ; operation++)
        {
            using var content = script.Replica.Content(file.Key);
            disk.FailAt(operation);
            try
            {
                World.Wait(store.CreateAsync(file.Key, file.Created, content, CancellationToken.None));
                break;
            }
            catch (ReplicaStoreException)
            {
                disk.FailAt(0);
            }

            foreach (var seen in World.Wait(ReplicaListing.ReadAllAsync(store, CancellationToken.None)))
            {
                Assert.Equal(file.SizeBytes, seen.SizeBytes);
                World.Wait(store.DeleteAsync([seen.Key], CancellationToken.None));
            }
        }

        disk.FailAt(0);
        Assert.Equal(file.SizeBytes, World.Wait(ReplicaListing.ReadAllAsync(store, CancellationToken.None))[0].SizeBytes);
    }

    [Fact]
    public void A_full_disk_holds_captures_up_and_loses_nothing_issue_1310()
    {
        using var script = new Script();
        script.Insert();
        script.Replicate();
        var before = (script.Captured, Files: string.Join(' ', script.Own.AllFiles));
        script.Disk.IsFull = true;
        for (var i = 0; i < 100; i++)
        {
            script.Insert();
            Assert.Throws<IOException>(script.Replicate);
            script.Maintain();
        }

        Assert.Equal(before, (script.Captured, string.Join(' ', script.Own.AllFiles)));
        script.Disk.IsFull = false;
        script.Replicate();
        Assert.Equal(before.Captured.Next(), script.Captured);
        script.CheckNewest();
        script.Replica.CheckPromised(null);
    }

    [Fact]
    public void A_database_that_rests_gets_no_files_however_often_it_starts_issues_1165_and_1197()
    {
        using var script = new Script();
        script.Insert(2000);
        script.Replicate();
        script.Maintain();
        var files = script.Replica.Files;
        for (var hour = 0; hour < 72; hour++)
        {
            script.Time.Advance(TimeSpan.FromHours(1));
            script.Replicate();
            script.Maintain();
            if (hour % 10 == 0)
            {
                script.Stop();
                script.Start();
            }
        }

        Assert.Equal(files, script.Replica.Files);
    }
}
