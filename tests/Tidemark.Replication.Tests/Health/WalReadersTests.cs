using Tidemark.Replicas.Files;
using Tidemark.Replication.Health;
using Tidemark.Testing;
using Tidemark.Testing.Databases;
using Xunit;

namespace Tidemark.Replication.Tests.Health;

public sealed class WalReadersTests
{
    [Fact]
    public void Only_shared_locks_on_the_read_marks_of_the_file_count()
    {
        const string Locks =
            """
            1: POSIX  ADVISORY  READ 4711 08:01:131074 124 124
            2: POSIX  ADVISORY  READ 4712 08:01:131074 123 123
            3: POSIX  ADVISORY  READ 4713 08:01:131074 127 127
            4: POSIX  ADVISORY  READ 4714 08:01:131074 128 128
            5: POSIX  ADVISORY  READ 4715 08:01:131074 120 122
            6: POSIX  ADVISORY  WRITE 4716 08:01:131074 124 124
            7: POSIX  ADVISORY  READ 4717 08:01:131075 124 124
            8: POSIX  ADVISORY  READ 4718 08:01:31074 124 124
            9: FLOCK  ADVISORY  READ 4719 08:01:131074 0 EOF
            9: -> POSIX  ADVISORY  READ 4720 08:01:131074 124 124
            10: OFDLCK ADVISORY  READ -1 08:01:131074 124 124
            a line of another kind
            """;

        Assert.Equal([4711, 4712, 4713], WalReaders.Parse(Locks, 131074));
    }

    [Fact]
    public async Task A_process_in_a_read_transaction_is_named_and_own_readers_are_not()
    {
        using var folder = new TemporaryFolder();
        using var source = SourceDatabase.Open(folder["app.db"]);
        source.CreateTable();
        using var own = SourceDatabase.Open(folder["app.db"]);
        own.Run("BEGIN; SELECT count(*) FROM t");
        Assert.Empty(Find(folder));

        using (var reader = await SqliteReader.StartAsync(folder["app.db"]))
        {
            Assert.Equal([reader.Description], Find(folder));
        }

        Assert.Empty(Find(folder));
    }

    [Fact]
    public void A_file_that_is_not_there_has_no_readers()
    {
        using var folder = new TemporaryFolder();

        Assert.Empty(Find(folder));
    }

    private static IReadOnlyList<string> Find(TemporaryFolder folder) => WalReaders.Find(PhysicalFileSystem.Instance, folder["app.db-shm"]);
}
