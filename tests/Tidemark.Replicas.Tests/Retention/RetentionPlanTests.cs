using CsCheck;
using Tidemark.Replicas.Catalog;
using Tidemark.Replicas.Retention;
using Tidemark.Replicas.Tests.Restore;
using Xunit;

namespace Tidemark.Replicas.Tests.Retention;

public sealed class RetentionPlanTests
{
    private const string Nothing = "";

    /// <summary>How many lives each property is tried with; more with <c>CsCheck_Iter</c>.</summary>
    private static readonly long s_runs = Math.Max(500, Check.Iter);

    /// <summary>Snapshots count for 100 seconds and captures for 10, so that the promised time begins 110 seconds ago.</summary>
    private static readonly RetentionOptions s_short = Options(100, 10);

    [Theory]
    [InlineData("9:1-1@0", Nothing)]
    [InlineData("9:1-1@890 9:1-2@891", Nothing)] // Second 891 is in the promised time, and its beginning needs what is before.
    [InlineData("9:1-1@889 9:1-2@890", "9:1-1")]
    [InlineData("9:1-1@10 9:1-2@20 9:1-3@30 9:1-4@950 9:1-5@960", "9:1-1 9:1-2")]
    [InlineData("9:1-1@10 9:1-2@20", "9:1-1")]
    public void Snapshots_of_the_promised_time_are_kept_and_the_last_one_before_it(string files, string deletions)
        => Assert.Equal(deletions, Deletions(files, s_short));

    [Theory]
    [InlineData("9:1-4@800 1:1-2@1 1:3-4@2 1:5-6@3 2:1-4@2 2:5-5@3", "1:1-2 1:3-4 2:1-4")]
    [InlineData("9:1-4@800 1:1-2@1 1:3-5@2 1:6-6@3", "1:1-2")]
    [InlineData("9:1-4@800 1:1-2@1 1:3-4@2 8:1-4@2", "1:1-2")] // The newest of each level stays.
    [InlineData("9:1-4@950 1:1-2@1 1:3-4@2 1:5-6@3", Nothing)] // Its time is younger than what is promised: all before is needed.
    [InlineData("1:1-2@1 1:3-4@2 2:1-4@2", Nothing)]
    public void Compacted_files_up_to_the_floor_are_superfluous_but_the_newest_of_each_level(string files, string deletions)
        => Assert.Equal(deletions, Deletions(files, s_short));

    [Theory]
    [InlineData("9:1-3@800 0:1-1@1 0:2-2@2 0:3-3@800 0:4-4@801", "0:1-1 0:2-2 0:3-3")]
    [InlineData("9:1-3@800 0:1-1@1 0:2-2@2 0:3-3@3", "0:1-1 0:2-2")] // The newest stays.
    [InlineData("0:1-1@1 0:2-2@2 0:3-3@3", Nothing)] // Nothing takes their place.
    [InlineData("0:1-1@980 0:2-2@985 0:3-3@990 0:4-4@995 1:1-3@990", "0:1-1 0:2-2 0:3-3")]
    [InlineData("0:1-1@980 0:2-2@985 0:3-3@991 0:4-4@995 1:1-3@991", Nothing)] // What takes their place is too young.
    [InlineData("0:1-1@980 0:2-2@985 0:3-3@985 0:4-4@995 1:1-2@985 1:3-4@995", "0:1-1 0:2-2")]
    [InlineData("0:1-1@1 0:2-2@2 0:3-3@3 0:4-4@4 1:1-1@1 1:3-3@3", "0:1-1")] // The second compacted file does not continue the first.
    [InlineData("0:1-1@1 0:2-2@2 0:3-3@3 0:4-4@4 1:2-3@3", Nothing)] // The first is only on level 0.
    [InlineData("0:1-1@1 0:2-2@2 0:3-3@3 1:1-5@5", Nothing)] // It cannot give the state of the newest, which stays.
    [InlineData("0:1-1@1 0:2-5@5 0:6-6@6 0:7-7@7 1:1-5@5 1:6-7@7", "0:1-1 0:2-5 0:6-6")] // An image is a file like others.
    [InlineData("0:5-5@5 0:6-6@6 0:7-7@7 1:5-7@7 9:1-5@500 9:1-6@960", "0:5-5 0:6-6")]
    [InlineData("9:1-4@985 0:5-5@985 0:6-6@986 0:7-7@987 1:5-6@986", "0:5-5 0:6-6")] // It continues a snapshot.
    [InlineData("9:1-4@995 0:5-5@985 0:6-6@986 0:7-7@987 1:5-6@986", Nothing)] // It continues one that is too young.
    [InlineData("9:1-4@985 0:4-4@985 0:5-5@985 0:6-6@986 0:7-7@987 1:5-6@986", "0:4-4 0:5-5 0:6-6")] // The snapshot is the first one's state.
    [InlineData("9:1-1@985 0:1-1@985 0:2-2@985 0:3-3@986 0:4-4@987 1:2-3@986", "0:1-1 0:2-2 0:3-3")] // A replica in its first hour.
    [InlineData("9:1-1@995 0:1-1@985 0:2-2@985 0:3-3@986 0:4-4@987 1:2-3@986", Nothing)] // The snapshot is too young.
    [InlineData("9:1-5@985 0:4-4@985 0:5-5@985 0:6-6@986 0:7-7@987 1:6-7@986", Nothing)] // The first one is in no compacted file.
    public void Captures_go_when_something_old_enough_takes_their_place(string files, string deletions)
        => Assert.Equal(deletions, Deletions(files, s_short));

    [Fact]
    public void Without_a_retention_of_captures_they_are_never_deleted()
        => Assert.Equal(
            "1:1-2",
            Deletions("0:1-1@1 0:2-2@2 0:3-3@3 0:4-4@4 1:1-2@2 1:3-4@4 9:1-3@3", Options(100, 0)));

    [Theory]
    [InlineData("9:1-1@10 9:1-2@2000", Nothing)] // A time in the future makes nothing old.
    [InlineData("9:1-1@2000 9:1-2@20", "9:1-1")] // It does not keep what was certainly before something old either.
    [InlineData("9:1-1@950 9:1-2@20 1:1-1@1 1:2-2@2 1:3-3@3", "1:1-1")] // Two that contradict each other: the lower floor counts.
    [InlineData("0:1-1@1 0:2-2@2000 0:3-3@3 0:4-4@4 1:1-4@4", Nothing)] // The three go together or not at all.
    [InlineData("0:1-1@1 0:2-2@2000 0:3-3@3 0:4-4@4 1:1-1@1 1:2-4@4", "0:1-1")]
    [InlineData("0:1-1@1 0:2-2@2 0:3-3@3 1:1-2@2000", Nothing)]
    [InlineData("0:1-1@1 0:2-2@2000 0:3-3@3 0:4-4@4 9:1-3@3", "0:1-1 0:2-2 0:3-3")] // It was certainly before something old.
    [InlineData("0:1-1@1 0:2-2@995 0:3-3@3 0:4-4@4 9:1-3@3", "0:1-1")]
    public void A_time_in_the_future_or_out_of_order_deletes_nothing_and_keeps_nothing_for_good(string files, string deletions)
        => Assert.Equal(deletions, Deletions(files, s_short));

    [Theory]
    [InlineData("9:2-3@1 9:1-1@2 9:1-2@3", "9:1-1")] // On the level of snapshots, but none.
    [InlineData("9:4-9@1 9:5-10@2 1:1-2@1 1:3-9@1 1:10-10@1", Nothing)]
    public void Files_of_the_snapshot_level_that_are_none_are_neither_used_nor_deleted(string files, string deletions)
        => Assert.Equal(deletions, Deletions(files, s_short));

    [Fact]
    public void Files_whose_name_makes_no_sense_are_neither_used_nor_deleted()
    {
        LtxFileInfo[] files = [.. Listing.Parse("0:1-1@1 0:2-2@2 9:1-2@3 9:1-3@4"), Listing.File(0, 5, 3, 1), Listing.File(1, 0, 3, 1)];
        Assert.Equal("0:1-1 9:1-2", Listing.Text(RetentionPlan.From(files, History.TimeOf(1000), s_short).Deletions));
    }

    [Fact]
    public void An_empty_replica_needs_nothing()
    {
        var plan = RetentionPlan.From([], History.TimeOf(1000), s_short);
        Assert.Empty(plan.Deletions);
        Assert.Equal((null, null, 0), (plan.Floor, plan.RecheckAt, plan.TotalSizeBytes));
    }

    [Fact]
    public void Deletions_go_from_the_lowest_level_up_and_snapshots_last()
        => Assert.Equal(
            "0:1-1 0:2-2 1:1-2 1:3-4 2:1-4 9:1-2 9:1-4",
            Deletions(
                "9:1-2@2 9:1-4@4 9:1-6@6 2:1-4@4 2:5-7@7 1:1-2@2 1:3-4@4 1:5-7@7 0:1-1@1 0:2-2@2 0:8-8@8", s_short));

    [Fact]
    public void A_plan_tells_its_floor_and_size()
    {
        var plan = RetentionPlan.From(Listing.Parse("9:1-1@1 9:1-4@4 9:1-6@995"), History.TimeOf(1000), s_short);
        Assert.Equal((4UL, 1_000L), (plan.Floor!.Value.Value, plan.TotalSizeBytes));
    }

    [Theory]
    [InlineData("0:1-1@1", null)]
    [InlineData("0:1-1@995 0:2-2@996 1:1-2@996", 1006)]
    [InlineData("0:1-1@995 0:2-2@996 0:3-3@999 1:1-2@996", 1006)]
    [InlineData("0:1-1@995 0:2-2@996", null)] // Waits for a compaction, not for time.
    [InlineData("0:1-1@1 0:2-2@2 1:1-2@2", null)]
    [InlineData("9:1-1@900 0:2-2@950", 1010)]
    [InlineData("9:1-1@900 9:1-2@950 0:1-1@995 0:2-2@996 1:1-2@996", 1006)]
    [InlineData("9:1-2@100 1:1-2@2 0:2-2@2", null)]
    public void The_next_look_is_when_time_alone_can_change_something(string files, int? seconds)
        => Assert.Equal(
            seconds is { } time ? History.TimeOf(time) : null,
            RetentionPlan.From(Listing.Parse(files), History.TimeOf(1000), s_short).RecheckAt);

    [Fact]
    public void A_retention_longer_than_all_time_keeps_everything()
    {
        var options = new RetentionOptions { SnapshotRetention = TimeSpan.MaxValue, L0Retention = TimeSpan.MaxValue };
        Assert.Empty(RetentionPlan.From(Listing.Parse("9:1-1@1 9:1-2@2 0:1-1@1 0:2-2@2"), History.TimeOf(1000), options).Deletions);
    }

    [Fact]
    public void A_retention_of_no_time_is_refused()
    {
        Assert.Throws<ArgumentOutOfRangeException>("SnapshotRetention", () => Options(0, 1));
        Assert.Throws<ArgumentOutOfRangeException>("L0Retention", () => Options(1, -1));
    }

    [Fact]
    public void Every_promised_restore_works_after_any_part_of_the_deletions()
        => Gen.Select(GenLife(hasRightClock: false), GenOptions, Gen.Int).Sample((steps, options, seed) =>
            AssertPromise(Live(steps, options), options, seed, isClockRight: false), iter: s_runs);

    [Fact]
    public void Every_moment_restores_as_exactly_as_the_files_that_stay_allow_while_the_clock_is_right()
        => Gen.Select(GenLife(hasRightClock: true), GenOptions, Gen.Int).Sample((steps, options, seed) =>
            AssertPromise(Live(steps, options), options, seed, isClockRight: true), iter: s_runs);

    [Fact]
    public void Every_promised_restore_works_whatever_lies_in_the_replica()
        => Gen.Select(GenAnyFile.Array[0, 16], GenOptions, Gen.Int).Sample((files, options, seed) =>
        {
            var life = new ReplicaLife { Seconds = 300 };
            foreach (var (level, min, max, time) in files)
            {
                life.Add(level, min, max, time);
            }

            AssertPromise(life, options, seed, isClockRight: false);
        }, iter: s_runs);

    [Fact]
    public void No_level_gets_a_hole_and_each_keeps_its_newest_file()
        => Gen.Select(GenLife(hasRightClock: false), GenOptions).Sample((steps, options) =>
        {
            var life = Live(steps, options);
            foreach (var level in Level.All)
            {
                LtxFileInfo[] files = [.. life.Files.Where(file => file.Level == level)];
                var holes = Holes(files);
                foreach (var deleted in RetentionPlan.From(life.Files, life.Now, options).Deletions.Where(file => file.Level == level))
                {
                    files = [.. files.Where(file => file != deleted)];
                    Assert.NotEmpty(files);
                    Assert.Subset(holes, Holes(files));
                    Assert.True(deleted.MaxTxid <= files.Max(file => file.MaxTxid));
                }
            }
        }, iter: s_runs);

    [Fact]
    public void Repeated_runs_converge_and_find_nothing_before_the_next_look()
        => Gen.Select(GenLife(hasRightClock: false), GenOptions).Sample((steps, options) =>
        {
            var life = Live(steps, options);
            var looks = 0;
            var now = life.Now;
            var files = life.Files.ToArray();
            while (true)
            {
                var plan = RetentionPlan.From(files, now, options);
                Assert.Equal(plan.Deletions.Distinct(), plan.Deletions);
                Assert.Subset(files.ToHashSet(), plan.Deletions.ToHashSet());
                files = [.. files.Except(plan.Deletions)];
                Assert.Empty(RetentionPlan.From(files, now, options).Deletions);
                if (plan.RecheckAt is not { } next)
                {
                    Assert.Empty(RetentionPlan.From(files, now.AddYears(100), options).Deletions);
                    return;
                }

                Assert.True(next > now);
                Assert.Empty(RetentionPlan.From(files, next.AddTicks(-1), options).Deletions);
                now = next;
                Assert.True(++looks <= life.Files.Count + 1, "It is looked again and again.");
            }
        }, iter: s_runs);

    private static Gen<RetentionOptions> GenOptions
        => Gen.Select(Gen.Int[1, 120], Gen.Int[0, 30]).Select((snapshots, captures) => Options(snapshots, captures));

    private static Gen<(int Level, ulong Min, ulong Max, int Time)> GenAnyFile
        => Gen.Select(Gen.Int[0, 4], Gen.Int[1, 10], Gen.Int[0, 4], Gen.Int[0, 400]).Select((level, min, length, time) => level == 4
            ? (9, 1UL, (ulong)(min + length), time)
            : (level, (ulong)min, (ulong)(min + length), time));

    private static Gen<(Event What, int Number)[]> GenLife(bool hasRightClock)
    {
        (int Weight, IGen<Event> What)[] events =
        [
            (12, Gen.Const(Event.Capture)),
            (4, Gen.Const(Event.Wait)),
            (5, Gen.Const(Event.CompactLow)),
            (2, Gen.Const(Event.CompactHigh)),
            (2, Gen.Const(Event.Snapshot)),
            (2, Gen.Const(Event.Retain)),
            (1, Gen.Const(Event.Image)),
            (hasRightClock ? 0 : 1, Gen.Const(Event.Skip)),
            (hasRightClock ? 0 : 1, Gen.Const(Event.Lose)),
            (hasRightClock ? 0 : 1, Gen.Const(Event.SetClock)),
        ];
        return Gen.Select(Gen.Frequency([.. events.Where(item => item.Weight > 0)]), Gen.Int[0, 60]).Array[0, 60];
    }

    private static ReplicaLife Live((Event What, int Number)[] steps, RetentionOptions options)
    {
        var life = new ReplicaLife();
        foreach (var (what, number) in steps)
        {
            switch (what)
            {
                case Event.Capture:
                    life.Seconds += number % 4;
                    life.Capture();
                    break;
                case Event.Wait:
                    life.Seconds += number;
                    break;
                case Event.CompactLow:
                    life.Compact(1, 1 + (number % 8));
                    break;
                case Event.CompactHigh:
                    life.Compact(2 + (number % 2));
                    break;
                case Event.Snapshot:
                    life.Snapshot();
                    break;
                case Event.Retain:
                    life.Retain(options);
                    break;
                case Event.Image:
                    life.Capture((ulong)(1 + (number % 4)));
                    break;
                case Event.Skip:
                    life.Skip((ulong)(number % 3));
                    break;
                case Event.Lose:
                    life.Lose(number);
                    break;
                case Event.SetClock:
                    life.Seconds += (number - 30) * 5;
                    break;
            }
        }

        return life;
    }

    private static void AssertPromise(ReplicaLife life, RetentionOptions options, int seed, bool isClockRight)
    {
        var plan = RetentionPlan.From(life.Files, life.Now, options);
        var promise = new Promise(life.Files, plan, life.Now, options);
        promise.AssertFloorIsNoHigherThanNeeded();
        for (var count = 0; count <= plan.Deletions.Count; count++)
        {
            promise.AssertKeptBy([.. life.Files.Except(plan.Deletions.Take(count))], isClockRight);
        }

        // A call that deletes many may end after any of them.
        var random = new Random(seed);
        promise.AssertKeptBy([.. life.Files.Except(plan.Deletions.Where(_ => random.Next(2) == 0))], isClockRight);
    }

    /// <summary>The TXIDs that no file holds, between those that files hold.</summary>
    private static HashSet<ulong> Holes(LtxFileInfo[] files)
    {
        var holes = new HashSet<ulong>();
        var reached = files.Length == 0 ? 0 : files.Min(file => file.MinTxid.Value) - 1;
        foreach (var file in files.OrderBy(file => file.MinTxid))
        {
            for (; reached + 1 < file.MinTxid.Value; reached++)
            {
                holes.Add(reached + 1);
            }

            reached = Math.Max(reached, file.MaxTxid.Value);
        }

        return holes;
    }

    private static RetentionOptions Options(int snapshotSeconds, int captureSeconds) => new()
    {
        SnapshotRetention = TimeSpan.FromSeconds(snapshotSeconds),
        L0Retention = TimeSpan.FromSeconds(captureSeconds),
    };

    private static string Deletions(string files, RetentionOptions options)
        => Listing.Text(RetentionPlan.From(Listing.Parse(files), History.TimeOf(1000), options).Deletions);

    private enum Event
    {
        Capture,
        Wait,
        CompactLow,
        CompactHigh,
        Snapshot,
        Retain,
        Image,
        Skip,
        Lose,
        SetClock,
    }
}
