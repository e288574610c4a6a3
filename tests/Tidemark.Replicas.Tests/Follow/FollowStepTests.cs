using Tidemark.Formats;
using Tidemark.Formats.Ltx;
using Tidemark.Replicas.Files;
using Tidemark.Replicas.Follow;
using Tidemark.Replicas.Restore;
using Tidemark.Replicas.Stores;
using Tidemark.Replicas.Tests.Restore;
using Tidemark.Testing;
using Tidemark.Testing.Databases;
using Tidemark.Testing.Files;
using Tidemark.Testing.Stores;
using Xunit;

namespace Tidemark.Replicas.Tests.Follow;

/// <summary>On the real disk, with SQLite's own readers in other processes.</summary>
public sealed class FollowStepTests : IDisposable
{
    private static readonly Lineage s_lineage = new(7);
    private readonly TemporaryFolder _folder = new();
    private readonly SqliteHistory _history = new();
    private MemoryStore _store = new();
    private int _shipped;

    public FollowStepTests() => _history.Capture();

    private string Output => _folder["copy.db"];

    [Fact]
    public async Task A_missing_database_is_restored_and_then_followed()
    {
        using var step = Step();
        await ShipAsync();
        Assert.Equal(FollowOutcome.Restored, (await RunAsync(step)).Outcome);
        AssertIs(1);
        Assert.Equal(FollowOutcome.Idle, (await RunAsync(step)).Outcome);
        _history.Grow(30);
        _history.Capture();
        _history.Shrink();
        _history.Capture();
        await ShipAsync();
        var position = await RunAsync(step);
        Assert.Equal((FollowOutcome.Applied, new Txid(1), new Txid(3), 2, true),
            (position.Outcome, position.Previous, position.Txid, position.FileCount, position.IsProven));
        AssertIs(3);
    }

    [Fact]
    public async Task A_reader_whose_connection_stays_open_sees_new_data_also_when_the_first_page_did_not_change()
    {
        using var step = Step();
        await ShipAsync();
        await RunAsync(step);
        using var reader = new ReaderProcess(Output);
        Assert.Equal("[(20,)]", await reader.RunAsync("SELECT count(*) FROM accounts"));
        for (var round = 1; round <= 5; round++)
        {
            _history.Do($"UPDATE accounts SET note = x'0{round}'");
            _history.Capture();
            await ShipAsync();
            await RunAsync(step);
            Assert.Equal($"[(b'\\x0{round}', 20)]", await reader.RunAsync("SELECT note, count(*) FROM accounts GROUP BY note"));
            Assert.Equal("[('ok',)]", await reader.RunAsync("PRAGMA integrity_check"));
        }
    }

    [Fact]
    public async Task A_reader_in_the_same_process_is_waited_for_and_sees_new_data_afterwards()
    {
        using var step = Step(readerWait: TimeSpan.FromMilliseconds(20));
        await ShipAsync();
        await RunAsync(step);
        using var reader = SourceDatabase.Open(Output, journalMode: "delete");
        reader.Run("BEGIN");
        Assert.Equal(20, reader.RunLong("SELECT count(*) FROM accounts"));
        _history.Grow(20);
        _history.Capture();
        await ShipAsync();
        await Assert.ThrowsAsync<FollowException>(() => RunAsync(step));
        Assert.Equal(20, reader.RunLong("SELECT count(*) FROM accounts"));
        reader.Run("COMMIT");
        Assert.Equal(FollowOutcome.Applied, (await RunAsync(step)).Outcome);
        Assert.Equal(60, reader.RunLong("SELECT count(*) FROM accounts"));
    }

    [Fact]
    public async Task A_reader_in_a_transaction_keeps_its_state_and_when_it_stays_the_next_round_tries_again()
    {
        using var step = Step(readerWait: TimeSpan.FromMilliseconds(50));
        await ShipAsync();
        await RunAsync(step);
        using var reader = new ReaderProcess(Output);
        await reader.RunAsync("BEGIN");
        await reader.RunAsync("SELECT count(*) FROM accounts");
        _history.Grow(5);
        _history.Capture();
        await ShipAsync();
        var failure = await Assert.ThrowsAsync<FollowException>(() => RunAsync(step));
        Assert.True(failure.IsTransient);
        Assert.Equal($"Cannot apply changes to {Output}: a reader has been in a transaction for more than 0.05 seconds.", failure.Message);
        Assert.False(PhysicalFileSystem.Instance.FileExists(Output + "-journal"));
        Assert.Equal("[(20,)]", await reader.RunAsync("SELECT count(*) FROM accounts"));
        using (var other = new ReaderProcess(Output))
        {
            Assert.Equal("[(20,)]", await other.RunAsync("SELECT count(*) FROM accounts"));
        }

        await reader.RunAsync("COMMIT");
        Assert.Equal(FollowOutcome.Applied, (await RunAsync(step)).Outcome);
        Assert.Equal("[(30,)]", await reader.RunAsync("SELECT count(*) FROM accounts"));
    }

    [Fact]
    public async Task A_program_that_writes_is_waited_for_and_what_it_wrote_is_overwritten()
    {
        using var step = Step(readerWait: TimeSpan.FromMilliseconds(50));
        await ShipAsync();
        await RunAsync(step);
        using var writer = new ReaderProcess(Output);
        await writer.RunAsync("BEGIN IMMEDIATE");
        await writer.RunAsync("DELETE FROM accounts");
        _history.Grow(5);
        _history.Capture();
        await ShipAsync();
        var failure = await Assert.ThrowsAsync<FollowException>(() => RunAsync(step));
        Assert.Contains("another program has locked it for writing", failure.Message, StringComparison.Ordinal);
        await writer.RunAsync("COMMIT");
        var position = await RunAsync(step);
        Assert.Equal((FollowOutcome.RestoredAgain, FollowReason.OutputChanged), (position.Outcome, position.Reason));
        AssertIs(2);
        Assert.Equal("[(30,)]", await writer.RunAsync("SELECT count(*) FROM accounts"));
    }

    [Fact]
    public async Task A_write_while_nothing_is_new_is_found_with_the_next_change()
    {
        using var step = Step();
        await ShipAsync();
        await RunAsync(step);
        using (var writer = new ReaderProcess(Output))
        {
            Assert.Equal("[]", await writer.RunAsync("DELETE FROM accounts WHERE id > 10"));
        }

        _history.Grow(5);
        _history.Capture();
        await ShipAsync();
        Assert.Equal(FollowReason.OutputChanged, (await RunAsync(step)).Reason);
        AssertIs(2);
    }

    [Fact]
    public async Task A_page_that_was_damaged_past_sqlite_is_found_when_it_is_overwritten()
    {
        using var step = Step();
        await ShipAsync();
        await RunAsync(step);
        using (var file = PhysicalFileSystem.Instance.Open(Output, FileMode.Open, FileAccess.ReadWrite))
        {
            file.Write(_history.Files.At(1).Length - 10, [1, 2, 3]);
        }

        _history.Do("UPDATE accounts SET note = randomblob(300)");
        _history.Capture();
        await ShipAsync();
        Assert.Equal(FollowReason.OutputChanged, (await RunAsync(step)).Reason);
        AssertIs(2);
    }

    [Theory]
    [InlineData(100)]
    [InlineData(1024)]
    [InlineData(5000)]
    public async Task A_database_that_was_truncated_meanwhile_is_restored_again(int length)
    {
        await FollowOnceAsync();
        using (var file = PhysicalFileSystem.Instance.Open(Output, FileMode.Open, FileAccess.ReadWrite))
        {
            file.SetLength(length);
        }

        using var step = Step();
        var position = await RunAsync(step);
        Assert.Equal((FollowOutcome.RestoredAgain, FollowReason.OutputChanged), (position.Outcome, position.Reason));
        AssertIs(1);
    }

    [Fact]
    public async Task A_database_that_was_changed_by_one_byte_meanwhile_is_restored_again()
    {
        await FollowOnceAsync();
        using (var file = PhysicalFileSystem.Instance.Open(Output, FileMode.Open, FileAccess.ReadWrite))
        {
            file.Write(_history.Files.At(1).Length - 10, [1]);
        }

        using var step = Step();
        Assert.Equal(FollowReason.OutputChanged, (await RunAsync(step)).Reason);
        AssertIs(1);
    }

    [Fact]
    public async Task A_wal_that_somebody_left_beside_the_database_is_not_played_into_it()
    {
        await FollowOnceAsync();
        using (var writer = SourceDatabase.Open(Output))
        {
            writer.KeepWalOnClose();
            writer.Run("DELETE FROM accounts");
        }

        Assert.True(PhysicalFileSystem.Instance.FileExists(Output + "-wal"));
        using var step = Step();
        Assert.Equal(FollowReason.OutputChanged, (await RunAsync(step)).Reason);
        AssertIs(1);
        Assert.False(PhysicalFileSystem.Instance.FileExists(Output + "-wal"));
    }

    [Theory]
    [InlineData("missing")]
    [InlineData("empty")]
    [InlineData("damaged")]
    public async Task Without_a_noted_txid_the_record_tells_the_state_and_without_both_it_is_refused(string how)
    {
        await FollowOnceAsync();
        Spoil("-txid", how);
        using (var step = Step())
        {
            Assert.Equal(FollowOutcome.Resumed, (await RunAsync(step)).Outcome);
        }

        Spoil("-txid", how);
        Spoil("-follow", how);
        using (var step = Step())
        {
            var failure = await Assert.ThrowsAsync<FollowException>(() => RunAsync(step));
            Assert.Equal("Delete the database to restore it again, or use -force to overwrite it.", failure.Hint);
            var what = how == "missing" ? "missing" : "damaged";
            Assert.EndsWith($": {Output}-txid is {what}, and {Output}-follow is {what}.", failure.Message, StringComparison.Ordinal);
            Followed.AssertSame(_history.Files.At(1), Followed.Read(Output));
        }

        using (var step = Step(overwrite: true))
        {
            Assert.Equal(FollowOutcome.Restored, (await RunAsync(step)).Outcome);
            AssertIs(1);
        }
    }

    [Theory]
    [InlineData("missing")]
    [InlineData("empty")]
    [InlineData("damaged")]
    public async Task The_txid_alone_is_enough_to_resume_as_after_the_original(string how)
    {
        await FollowOnceAsync();
        Spoil("-follow", how);
        _history.Grow(5);
        _history.Capture();
        await ShipAsync();
        using (var step = Step())
        {
            var position = await RunAsync(step);
            Assert.Equal((FollowOutcome.Applied, true), (position.Outcome, position.IsProven));
            AssertIs(2);
        }

        // The original notes the TXID after it has applied: after a crash it is one behind.
        Spoil("-follow", how);
        Followed.Write(Output + "-txid", "0000000000000001\n"u8.ToArray());
        _history.Shrink();
        _history.Capture();
        await ShipAsync();
        using (var step = Step())
        {
            Assert.Equal(FollowOutcome.Applied, (await RunAsync(step)).Outcome);
            AssertIs(3);
        }
    }

    [Theory]
    [InlineData("missing", true)]
    [InlineData("missing", false)]
    [InlineData("damaged", true)]
    public async Task A_database_that_was_copied_there_is_not_believed_because_a_txid_is_noted(string how, bool isSomethingNew)
    {
        await FollowOnceAsync();
        using var other = new SqliteHistory();
        other.Grow(40);
        other.Capture();
        Followed.Write(Output, other.Files.At(1));
        Spoil("-follow", how);
        if (isSomethingNew)
        {
            _history.Grow(5);
            _history.Capture();
            await ShipAsync();
        }

        using var step = Step();
        var position = await RunAsync(step);

        var reason = how == "damaged" ? FollowReason.RecordDamaged : FollowReason.Unproven;
        Assert.Equal((FollowOutcome.RestoredAgain, reason), (position.Outcome, position.Reason));
        AssertIs(isSomethingNew ? 2 : 1);
    }

    [Theory]
    [InlineData("missing", FollowReason.Unproven)]
    [InlineData("damaged", FollowReason.RecordDamaged)]
    public async Task The_txid_alone_is_not_believed_where_the_replica_proves_nothing(string how, FollowReason reason)
    {
        using var history = new SqliteHistory(isProven: false);
        history.Capture();
        _store = await history.Files.StoreAsync("0:1-1");
        using (var step = Step())
        {
            await RunAsync(step);
        }

        history.Grow(5);
        history.Capture();
        await history.Files.WriteAsync(_store, Listing.ParseFile("0:2-2").Key);
        Spoil("-follow", how);
        using (var step = Step())
        {
            var position = await RunAsync(step);
            Assert.Equal((FollowOutcome.RestoredAgain, reason), (position.Outcome, position.Reason));
            Followed.AssertSame(history.Files.At(2), Followed.Read(Output));
        }

        using (var step = Step())
        {
            Assert.Equal(FollowOutcome.Resumed, (await RunAsync(step)).Outcome);
        }
    }

    [Fact]
    public async Task What_the_txid_alone_claims_is_not_believed_after_the_replica_was_away()
    {
        await FollowOnceAsync();
        using var other = new SqliteHistory();
        other.Grow(40);
        other.Capture();
        Followed.Write(Output, other.Files.At(1));
        Spoil("-follow", "missing");
        var store = new FaultingStore(_store, call => call == 1 ? StoreFault.Before : null);
        using var step = new FollowStep(
            store, PhysicalFileSystem.Instance, TimeProvider.System, new FollowOptions { OutputPath = Output, Parallelism = 1 });
        await Assert.ThrowsAsync<ReplicaStoreException>(() => RunAsync(step));

        var position = await RunAsync(step);

        Assert.Equal((FollowOutcome.RestoredAgain, FollowReason.Unproven), (position.Outcome, position.Reason));
        AssertIs(1);
    }

    [Fact]
    public async Task A_record_of_another_content_without_a_txid_is_told_as_that()
    {
        await FollowOnceAsync();
        using var other = new SqliteHistory();
        other.Grow(40);
        other.Capture();
        Followed.Write(Output, other.Files.At(1));
        Spoil("-txid", "damaged");
        using var step = Step();
        var failure = await Assert.ThrowsAsync<FollowException>(() => RunAsync(step));
        Assert.EndsWith($"-txid is damaged, and {Output}-follow tells of another content.", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_missing_database_is_restored_also_where_its_txid_is_noted_and_while_it_is_followed()
    {
        await FollowOnceAsync();
        PhysicalFileSystem.Instance.Delete(Output);
        using var step = Step();
        Assert.Equal(FollowOutcome.Restored, (await RunAsync(step)).Outcome);
        AssertIs(1);
        PhysicalFileSystem.Instance.Delete(Output);
        Assert.Equal(FollowOutcome.Restored, (await RunAsync(step)).Outcome);
        AssertIs(1);
    }

    [Fact]
    public async Task A_hot_journal_is_rolled_back_first()
    {
        await FollowOnceAsync();
        await LeaveHotJournalAsync();
        using var step = Step();
        Assert.Equal(FollowOutcome.Resumed, (await RunAsync(step)).Outcome);
        Assert.False(PhysicalFileSystem.Instance.FileExists(Output + "-journal"));
        AssertIs(1);
    }

    [Fact]
    public async Task A_journal_that_a_crashed_program_leaves_while_a_change_is_fetched_is_rolled_back_and_not_overwritten()
    {
        await FollowOnceAsync();
        _history.Do("UPDATE accounts SET note = x'01' WHERE id = 1");
        _history.Capture();
        await ShipAsync();
        var hasCrashed = false;
        var store = new OpenHookedStore(_store, async () =>
        {
            if (!hasCrashed)
            {
                hasCrashed = true;
                await LeaveHotJournalAsync(grows: false);
            }
        });
        using var step = new FollowStep(
            store, PhysicalFileSystem.Instance, TimeProvider.System, new FollowOptions { OutputPath = Output, Parallelism = 1 });
        var failure = await Assert.ThrowsAsync<FollowException>(() => RunAsync(step));
        Assert.True(failure.IsTransient);
        Assert.Equal("[(20, 0)]", ReadOnce());
        Assert.Equal(FollowOutcome.Applied, (await RunAsync(step)).Outcome);
        AssertIs(2);
    }

    [Fact]
    public async Task A_reader_that_comes_while_a_hot_journal_is_rolled_back_never_sees_what_it_takes_back()
    {
        await FollowOnceAsync();
        await LeaveHotJournalAsync();
        var (isLocking, seen) = (false, new List<string>());
        var files = new HookedFileSystem
        {
            Locking = () =>
            {
                // Locks are taken one after the other. Before the first one SQLite would roll the journal back itself.
                if (isLocking)
                {
                    seen.Add(ReadOnce());
                }

                isLocking = true;
            },
        };
        using var step = new FollowStep(
            _store, files, TimeProvider.System, new FollowOptions { OutputPath = Output, Parallelism = 1 });
        Assert.Equal(FollowOutcome.Resumed, (await RunAsync(step)).Outcome);
        Assert.NotEmpty(seen);
        Assert.All(seen, answer => Assert.Contains(answer, (string[])["[(20, 0)]", "OperationalError('database is locked')"]));
        AssertIs(1);
    }

    [Fact]
    public async Task While_a_change_is_prepared_nobody_can_take_its_journal_for_that_of_a_crashed_writer_and_delete_it()
    {
        await FollowOnceAsync();
        _history.Grow(5);
        _history.Capture();
        await ShipAsync();
        var hasLockedOut = new List<bool>();
        var files = new HookedFileSystem
        {
            Locking = () =>
            {
                if (PhysicalFileSystem.Instance.FileExists(Output + "-journal"))
                {
                    hasLockedOut.Add(CanExcludeReaders());
                }
            },
        };
        using var step = new FollowStep(
            _store, files, TimeProvider.System, new FollowOptions { OutputPath = Output, Parallelism = 1 });
        Assert.Equal(FollowOutcome.Applied, (await RunAsync(step)).Outcome);
        Assert.NotEmpty(hasLockedOut);
        Assert.DoesNotContain(true, hasLockedOut);
    }

    [Fact]
    public async Task A_changed_database_stays_one_when_readers_hold_up_that_it_is_restored_again()
    {
        await FollowOnceAsync();
        using (var file = PhysicalFileSystem.Instance.Open(Output, FileMode.Open, FileAccess.ReadWrite))
        {
            file.Write(_history.Files.At(1).Length - 10, [1, 2, 3]);
        }

        _history.Do("UPDATE accounts SET note = x'01' WHERE id = 1"); // Changes neither the first page nor that one.
        _history.Capture();
        await ShipAsync();
        using var reader = new ReaderProcess(Output);
        await reader.RunAsync("BEGIN");
        await reader.RunAsync("SELECT count(*) FROM accounts");
        using var step = Step(readerWait: TimeSpan.FromMilliseconds(20));
        await Assert.ThrowsAsync<FollowException>(() => RunAsync(step));
        await reader.RunAsync("COMMIT");
        Assert.Equal(FollowReason.OutputChanged, (await RunAsync(step)).Reason);
        AssertIs(2);
    }

    [Fact]
    public async Task A_database_that_was_not_touched_is_not_read_again_after_a_failure()
    {
        await ShipAsync();
        var (isAway, reads) = (false, 0);
        var files = new HookedFileSystem { Reading = path => reads += path == Output ? 1 : 0 };
        var store = new FaultingStore(_store, _ => isAway ? StoreFault.Before : null);
        using var step = new FollowStep(store, files, TimeProvider.System, new FollowOptions
        {
            OutputPath = Output,
            Parallelism = 1,
            ReaderWait = TimeSpan.FromMilliseconds(20),
        });
        await RunAsync(step);
        (isAway, reads) = (true, 0);
        await Assert.ThrowsAnyAsync<ReplicaStoreException>(() => RunAsync(step));
        isAway = false;
        Assert.Equal(FollowOutcome.Idle, (await RunAsync(step)).Outcome);
        Assert.Equal(0, reads);

        _history.Do("UPDATE accounts SET note = x'01' WHERE id = 1");
        _history.Capture();
        await ShipAsync();
        using var reader = new ReaderProcess(Output);
        await reader.RunAsync("BEGIN");
        await reader.RunAsync("SELECT count(*) FROM accounts");
        await Assert.ThrowsAsync<FollowException>(() => RunAsync(step));
        await reader.RunAsync("COMMIT");
        var readsOfOneTry = reads;
        Assert.Equal(FollowOutcome.Applied, (await RunAsync(step)).Outcome);
        Assert.Equal(2 * readsOfOneTry, reads);
        AssertIs(2);
    }

    [Fact]
    public async Task The_journal_lies_where_sqlite_looks_for_it_when_the_output_is_a_symbolic_link()
    {
        var link = _folder["link.db"];
        System.IO.File.CreateSymbolicLink(link, Output);
        var seen = new List<string>();
        var files = new HookedFileSystem { Opening = seen.Add };
        using (var step = new FollowStep(_store, files, TimeProvider.System, new FollowOptions { OutputPath = link, Parallelism = 1 }))
        {
            await ShipAsync();
            await RunAsync(step);
            AssertIs(1);
            _history.Grow(5);
            _history.Capture();
            await ShipAsync();
            Assert.Equal(FollowOutcome.Applied, (await RunAsync(step)).Outcome);
        }

        AssertIs(2);
        Assert.Equal(Output, new FileInfo(link).LinkTarget);
        Assert.Contains(Output + "-journal", seen);
    }

    [Fact]
    public async Task Pages_of_another_size_reach_readers_that_have_the_database_open()
    {
        await FollowOnceAsync();
        using var reader = new ReaderProcess(Output);
        Assert.Equal("[(20,)]", await reader.RunAsync("SELECT count(*) FROM accounts"));
        using var other = new SqliteHistory(pageSize: 4096);
        other.Grow(100);
        other.Capture();
        other.Grow(100);
        other.Capture();
        _store = await other.Files.StoreAsync("9:1-2 0:2-2");
        using var step = Step();
        var position = await RunAsync(step);
        Assert.Equal((FollowOutcome.RestoredAgain, FollowReason.PageSizeChanged), (position.Outcome, position.Reason));
        Assert.Equal(4096, position.PageSize.Bytes);
        Assert.Equal("[(420,)]", await reader.RunAsync("SELECT count(*) FROM accounts"));
        Assert.Equal("[('ok',)]", await reader.RunAsync("PRAGMA integrity_check"));
        Followed.AssertSame(other.Files.At(2), Followed.Read(Output));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task The_history_of_another_database_is_not_mixed_with_this_one(bool isProven)
    {
        await FollowOnceAsync();
        using var other = new SqliteHistory(isProven: isProven);
        other.Capture();
        other.Grow(7);
        other.Capture();
        _store = new MemoryStore();
        foreach (var txid in (int[])[1, 2])
        {
            var bytes = other.Files.File(txid, txid, header => header with { Lineage = new Lineage(99) });
            await other.Files.WriteAsync(_store, Listing.ParseFile($"0:{txid}-{txid}").Key, bytes);
        }

        using var step = Step();
        var position = await RunAsync(step);
        Assert.Equal((FollowOutcome.RestoredAgain, FollowReason.OtherHistory), (position.Outcome, position.Reason));
        Followed.AssertSame(other.Files.At(2), Followed.Read(Output));
    }

    [Fact]
    public async Task A_damaged_file_never_touches_the_database_and_is_walked_around_where_another_one_leads_on()
    {
        await FollowOnceAsync();
        _history.Grow(5);
        _history.Capture();
        var damaged = _history.Files.File(2, 2);
        damaged[^200] ^= 1;
        await _history.Files.WriteAsync(_store, Listing.ParseFile("0:2-2").Key, damaged);
        using var step = Step();
        await Assert.ThrowsAsync<LtxFormatException>(() => RunAsync(step));
        AssertIs(1);

        await _history.Files.WriteAsync(_store, Listing.ParseFile("1:1-2").Key);
        Assert.Equal(FollowOutcome.Applied, (await RunAsync(step)).Outcome);
        AssertIs(2);
    }

    [Fact]
    public async Task A_damaged_file_is_walked_around_by_a_snapshot()
    {
        await FollowOnceAsync();
        _history.Grow(5);
        _history.Capture();
        var damaged = _history.Files.File(2, 2);
        damaged[^200] ^= 1;
        await _history.Files.WriteAsync(_store, Listing.ParseFile("0:2-2").Key, damaged);
        await _history.Files.WriteAsync(_store, Listing.ParseFile("9:1-2").Key);
        using var step = Step();
        Assert.Equal(FollowReason.FileDamaged, (await RunAsync(step)).Reason);
        AssertIs(2);
    }

    [Fact]
    public async Task Files_that_compaction_removes_while_they_are_fetched_are_planned_around()
    {
        _history.Grow(5);
        _history.Capture();
        await ShipAsync();
        using var step = StepThatLoses("1:1-2", "0:1-1", "0:2-2");
        Assert.Equal(FollowOutcome.Restored, (await RunAsync(step)).Outcome);
        AssertIs(2);

        _history.Grow(5);
        _history.Capture();
        _history.Grow(5);
        _history.Capture();
        await ShipAsync();
        using var next = StepThatLoses("1:3-4", "0:3-3", "0:4-4");
        var position = await RunAsync(next);
        Assert.Equal((FollowOutcome.Applied, 1), (position.Outcome, position.FileCount));
        AssertIs(4);
    }

    [Fact]
    public async Task An_empty_replica_leaves_the_database_as_it_is()
    {
        await FollowOnceAsync();
        _store = new MemoryStore();
        using var step = Step();
        await Assert.ThrowsAsync<NoMatchingBackupException>(() => RunAsync(step));
        AssertIs(1);
    }

    [Fact]
    public async Task Other_programs_read_always_one_state_while_many_changes_are_applied()
    {
        using var step = Step();
        await ShipAsync();
        await RunAsync(step);
        using var reader = new ReaderProcess(Output);
        var (isDone, reads) = (false, 0);
        var reading = Task.Run(async () =>
        {
            while (!Volatile.Read(ref isDone))
            {
                Assert.Equal("[(0,)]", await reader.RunAsync("SELECT sum(balance) FROM accounts"));
                Assert.Equal("[('ok',)]", await reader.RunAsync("PRAGMA integrity_check"));
                reads++;
            }
        });
        for (var round = 0; round < 40; round++)
        {
            _history.Grow(20);
            _history.Do("UPDATE accounts SET note = randomblob(200) WHERE id % 3 = 1");
            if (round % 5 == 4)
            {
                _history.Shrink();
            }

            _history.Capture();
            await ShipAsync();
            Assert.Equal(FollowOutcome.Applied, (await RunAsync(step)).Outcome);
        }

        Volatile.Write(ref isDone, true);
        await reading;
        Assert.True(reads > 0);
        AssertIs(41);
    }

    public void Dispose()
    {
        _history.Dispose();
        _folder.Dispose();
    }

    private static Task<FollowPosition> RunAsync(FollowStep step) => step.RunAsync(TestContext.Current.CancellationToken).AsTask();

    /// <summary>A follower whose replica is compacted when it has planned and opens the first file.</summary>
    private FollowStep StepThatLoses(string made, params IEnumerable<string> removed)
    {
        var isCompacted = false;
        var store = new OpenHookedStore(_store, async () =>
        {
            if (!isCompacted)
            {
                isCompacted = true;
                await _history.Files.WriteAsync(_store, Listing.ParseFile(made).Key);
                await _store.DeleteAsync([.. removed.Select(file => Listing.ParseFile(file).Key)], TestContext.Current.CancellationToken);
            }
        });
        return new FollowStep(
            store, PhysicalFileSystem.Instance, TimeProvider.System, new FollowOptions { OutputPath = Output, Parallelism = 1 });
    }

    private FollowStep Step(bool overwrite = false, TimeSpan? readerWait = null)
        => new(_store, PhysicalFileSystem.Instance, TimeProvider.System, new FollowOptions
        {
            OutputPath = Output,
            Overwrite = overwrite,
            Parallelism = 1,
            ReaderWait = readerWait ?? TimeSpan.FromSeconds(10),
        });

    private async Task FollowOnceAsync()
    {
        await ShipAsync();
        using var step = Step();
        await RunAsync(step);
    }

    private async Task LeaveHotJournalAsync(bool grows = true)
    {
        using (var writer = new ReaderProcess(Output))
        {
            // The cache is too small for the transaction, so SQLite has written to the database when it is killed.
            await writer.RunAsync("PRAGMA cache_size=1");
            await writer.RunAsync("PRAGMA cache_spill=1");
            await writer.RunAsync("BEGIN IMMEDIATE");
            await writer.RunAsync("UPDATE accounts SET note = randomblob(300), balance = balance * 2 + 1");
            if (grows)
            {
                await writer.RunAsync("INSERT INTO accounts(note) SELECT randomblob(900) FROM accounts, accounts AS b");
            }
        }

        Assert.True(PhysicalFileSystem.Instance.FileExists(Output + "-journal"));
    }

    /// <summary>What a program sees that opens the database, without waiting.</summary>
    private string ReadOnce()
    {
        using var reader = new ReaderProcess(Output);
        reader.RunAsync("PRAGMA busy_timeout = 0").GetAwaiter().GetResult();
        return reader.RunAsync("SELECT count(*), sum(balance) FROM accounts NOT INDEXED").GetAwaiter().GetResult();
    }

    /// <summary>Whether another program could take the lock under which SQLite rolls a journal back.</summary>
    private bool CanExcludeReaders()
    {
        using var file = PhysicalFileSystem.Instance.Open(Output, FileMode.Open, FileAccess.ReadWrite);
        return file.TryLockRange(0x4000_0002, 510);
    }

    private async Task ShipAsync()
    {
        while (_shipped < (int)_history.Files.Last.Value)
        {
            _shipped++;
            var bytes = _history.Files.File(_shipped, _shipped, header => header with { Lineage = s_lineage });
            await _history.Files.WriteAsync(_store, Listing.ParseFile($"0:{_shipped}-{_shipped}").Key, bytes);
        }
    }

    private void AssertIs(int txid)
    {
        Followed.AssertSame(_history.Files.At(txid), Followed.Read(Output), $"TXID {txid}");
        using var noted = PhysicalFileSystem.Instance.Open(Output + "-txid", FileMode.Open, FileAccess.Read);
        var text = new byte[100];
        Assert.Equal($"{new Txid((ulong)txid)}\n", System.Text.Encoding.ASCII.GetString(text, 0, noted.Read(0, text)));
    }

    private void Spoil(string ending, string how)
    {
        PhysicalFileSystem.Instance.Delete(Output + ending);
        if (how != "missing")
        {
            Followed.Write(Output + ending, how == "empty" ? [] : "zzzz"u8.ToArray());
        }
    }
}
