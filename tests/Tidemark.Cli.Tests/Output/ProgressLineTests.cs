using Microsoft.Extensions.Time.Testing;
using Tidemark.Cli.Output;
using Tidemark.Replicas.Restore;

namespace Tidemark.Cli.Tests.Output;

public sealed class ProgressLineTests
{
    private readonly FakeTimeProvider _time = new();

    [Fact]
    public void A_restore_of_less_than_a_second_shows_nothing()
    {
        using var terminal = new StringWriter();
        using (var line = new ProgressLine(terminal, _time))
        {
            line.Report(new RestoreProgress(1, 2, 0, 0));
        }

        Assert.Empty(terminal.ToString());
    }

    [Fact]
    public void A_longer_one_shows_how_far_it_is_and_is_wiped_at_the_end()
    {
        using var terminal = new StringWriter();
        using (var line = new ProgressLine(terminal, _time))
        {
            _time.Advance(TimeSpan.FromSeconds(2));
            line.Report(new RestoreProgress(30_000_000, 120_000_000, 0, 0));
            line.Report(new RestoreProgress(31_000_000, 120_000_000, 0, 0));
            Assert.Equal("\rrestoring: 25 %, 30 MB of 120 MB, 15 MB/s, 6 s left", terminal.ToString());
        }

        Assert.EndsWith("\r" + new string(' ', 51) + "\r", terminal.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void Nothing_is_shown_after_the_end()
    {
        using var terminal = new StringWriter();
        using var line = new ProgressLine(terminal, _time);
        line.Dispose();
        _time.Advance(TimeSpan.FromSeconds(2));

        line.Report(new RestoreProgress(30_000_000, 120_000_000, 0, 0));

        Assert.Empty(terminal.ToString());
    }
}
