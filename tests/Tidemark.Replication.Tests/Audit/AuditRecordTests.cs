using Tidemark.Formats;
using Tidemark.Replication.Audit;
using Tidemark.Replication.Health;
using Xunit;

namespace Tidemark.Replication.Tests.Audit;

public sealed class AuditRecordTests
{
    private static readonly DateTimeOffset s_moment = new(2026, 1, 2, 3, 4, 5, TimeSpan.Zero);

    private static readonly AuditStatus s_last = new(
        AuditOutcome.Different, new Txid(3), new Txid(7), s_moment, s_moment.AddSeconds(9), PageCount: 12, DifferentPages: 2);

    [Theory]
    [InlineData(true, true)]
    [InlineData(true, false)]
    [InlineData(false, true)]
    [InlineData(false, false)]
    public void A_record_is_read_as_it_was_written(bool hasLast, bool isOpen)
    {
        var record = new AuditRecord(hasLast ? s_last : null, s_moment, isOpen);
        var bytes = new byte[AuditRecord.Size];
        record.Write(bytes);

        Assert.Equal(record, AuditRecord.TryRead(bytes));
    }

    [Fact]
    public void A_record_with_any_damaged_or_missing_byte_is_not_believed()
    {
        var bytes = new byte[AuditRecord.Size];
        new AuditRecord(s_last, s_moment, IsOpen: false).Write(bytes);
        for (var i = 0; i < bytes.Length; i++)
        {
            Assert.Null(AuditRecord.TryRead(bytes.AsSpan(0, i)));
            bytes[i] ^= 1;
            Assert.Null(AuditRecord.TryRead(bytes));
            bytes[i] ^= 1;
        }
    }
}
