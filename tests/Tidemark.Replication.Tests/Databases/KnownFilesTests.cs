using Tidemark.Replicas.Files;
using Tidemark.Replication.Databases;
using Xunit;

namespace Tidemark.Replication.Tests.Databases;

/// <summary>What tells a change by something other than SQLite from one of a checkpoint.</summary>
public sealed class KnownFilesTests
{
    private static readonly FileStamp s_file = new(1, 10, 8192, 100, 100, 0);
    private static readonly FileStamp s_written = s_file with { ModifiedNs = 200, ChangedNs = 200 };
    private static readonly KnownFiles s_known = new(s_file, new FileIdentity(1, 11), new FileIdentity(1, 12), new WalIndexState(7, 20, 10, 10));

    [Fact]
    public void Files_as_they_were_are_no_change()
        => Assert.Null(s_known.FindChange(s_known with { State = s_known.State with { FrameCount = 30 } }));

    [Fact]
    public void A_checkpoint_that_has_copied_more_explains_a_file_that_was_written()
        => Assert.Null(s_known.FindChange(s_known with { Database = s_written, State = new(7, 20, 20, 20) }));

    [Fact]
    public void A_checkpoint_at_work_explains_it()
        => Assert.Null(s_known.FindChange(s_known with { Database = s_written, State = new(7, 20, 10, 20) }));

    [Fact]
    public void A_wal_that_was_not_wholly_copied_explains_it_when_it_has_started_over()
        => Assert.Null(s_known.FindChange(s_known with { Database = s_written, State = new(8, 0, 0, 0) }));

    [Fact]
    public void A_wal_that_was_wholly_copied_does_not()
        => Assert.Equal(
            ForeignChange.DatabaseWasWritten,
            (s_known with { State = new(7, 20, 20, 20) }).FindChange(s_known with { Database = s_written, State = new(8, 3, 0, 0) }));

    [Fact]
    public void A_file_that_was_written_while_nothing_was_copied_was_written_by_something_else()
        => Assert.Equal(ForeignChange.DatabaseWasWritten, s_known.FindChange(s_known with { Database = s_written }));

    [Fact]
    public void Other_files_are_told_by_their_identity()
    {
        Assert.Equal(ForeignChange.DatabaseIsGone, s_known.FindChange(s_known with { Database = null }));
        Assert.Equal(ForeignChange.DatabaseWasReplaced, s_known.FindChange(s_known with { Database = s_file with { Number = 99 } }));
        Assert.Equal(ForeignChange.WalWasReplaced, s_known.FindChange(s_known with { Wal = null }));
        Assert.Equal(ForeignChange.WalWasReplaced, s_known.FindChange(s_known with { Wal = new FileIdentity(1, 99) }));
        Assert.Equal(ForeignChange.IndexWasReplaced, s_known.FindChange(s_known with { Index = null }));
    }
}
