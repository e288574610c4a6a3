using Microsoft.Extensions.Time.Testing;
using Tidemark.Cli.Processes;

namespace Tidemark.Cli.Tests.Processes;

public sealed class InterruptionTests : IDisposable
{
    private const int Sighup = 1;
    private const int Sigint = 2;
    private const int Sigterm = 15;

    private readonly FakeTimeProvider _time = new();
    private readonly Interruption _interruption;

    public InterruptionTests() => _interruption = new Interruption(_time);

    public void Dispose() => _interruption.Dispose();

    [Fact]
    public void The_first_signal_asks_for_an_orderly_end()
    {
        Assert.Null(_interruption.SignalNumber);

        _interruption.Take(Sigterm);

        Assert.Equal(Sigterm, _interruption.SignalNumber);
        Assert.True(_interruption.Stopping.IsCancellationRequested);
        Assert.False(_interruption.CutShort.IsCancellationRequested);
    }

    [Fact]
    public void Signals_right_after_the_first_are_its_echo()
    {
        _interruption.Take(Sigterm);
        _interruption.Take(Sigterm);
        _time.Advance(Interruption.EchoTime - TimeSpan.FromTicks(1));
        _interruption.Take(Sighup);

        Assert.Equal(Sigterm, _interruption.SignalNumber);
        Assert.False(_interruption.CutShort.IsCancellationRequested);
    }

    [Fact]
    public void A_later_signal_cuts_the_end_short_also_when_echoes_came_before_it()
    {
        _interruption.Take(Sigterm);
        _time.Advance(Interruption.EchoTime / 2);
        _interruption.Take(Sigterm);
        _time.Advance(Interruption.EchoTime / 2);
        _interruption.Take(Sigterm);

        Assert.True(_interruption.CutShort.IsCancellationRequested);
    }

    [Fact]
    public void What_is_left_to_a_child_is_no_end_unless_it_is_SIGTERM()
    {
        _interruption.LeaveToChild();
        for (var i = 0; i < 3; i++)
        {
            _interruption.Take(Sigint);
            _time.Advance(Interruption.EchoTime);
        }

        Assert.False(_interruption.Stopping.IsCancellationRequested);
        _interruption.Take(Sigterm);
        Assert.True(_interruption.Stopping.IsCancellationRequested);
        _time.Advance(Interruption.EchoTime);
        _interruption.Take(Sigterm);
        Assert.True(_interruption.CutShort.IsCancellationRequested);
    }

    [Fact]
    public void After_the_end_of_a_child_a_signal_that_is_no_echo_cuts_the_end_short()
    {
        _interruption.LeaveToChild();
        _interruption.Take(Sigint);
        _interruption.TakeBack();
        _interruption.Take(Sigint);
        Assert.False(_interruption.CutShort.IsCancellationRequested);

        _time.Advance(Interruption.EchoTime);
        _interruption.Take(Sigint);

        Assert.True(_interruption.CutShort.IsCancellationRequested);
    }
}
