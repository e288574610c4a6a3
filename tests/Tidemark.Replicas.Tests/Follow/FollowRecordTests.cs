using Tidemark.Formats;
using Tidemark.Formats.Database;
using Tidemark.Replicas.Follow;
using Xunit;

namespace Tidemark.Replicas.Tests.Follow;

public sealed class FollowRecordTests
{
    private static readonly OutputState s_from = State(4, 4096, 9, null);
    private static readonly OutputState s_to = State(7, 4096, 11, 0x8000_0000_0000_0005);

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void What_was_written_reads_back_as_it_was(bool hasFrom)
    {
        var record = new FollowRecord(hasFrom ? s_from : null, s_to);
        Assert.Equal(record, FollowRecord.Parse(record.Format()));
    }

    [Fact]
    public void A_text_with_any_character_changed_or_cut_off_is_none()
    {
        var text = new FollowRecord(s_from, s_to).Format();
        for (var i = 0; i < text.Length - 1; i++)
        {
            Assert.Null(FollowRecord.Parse(text[..i]));
            Assert.Null(FollowRecord.Parse(text[..i] + (text[i] == '0' ? '1' : '0') + text[(i + 1)..]));
        }
    }

    [Fact]
    public void The_content_tells_which_of_the_two_states_it_is()
    {
        var record = new FollowRecord(s_from, s_to);
        Assert.Same(s_from, record.Find(s_from.Content));
        Assert.Same(s_to, record.Find(s_to.Content));
        Assert.Null(record.Find(s_to.Content with { FirstPage = 1 }));
    }

    private static OutputState State(ulong txid, int pageSize, uint pages, ulong? source)
    {
        Assert.True(PageSize.TryFromBytes(pageSize, out var size));
        var content = new OutputContent(size, pages, DatabaseChecksum.Empty.Toggle(txid * 977), txid * 13);
        return new OutputState(new Txid(txid), new Lineage(3), content, source);
    }
}
