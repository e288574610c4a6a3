using Tidemark.Replication.Scheduling;
using Xunit;

namespace Tidemark.Replication.Tests.Scheduling;

public sealed class SweepPaceTests
{
    private const int LooksUntilRest = 60;
    private const int SweepsPerLook = 8;

    private readonly SweepPace _pace = new(new Random(1));

    [Fact]
    public void While_no_notice_is_awaited_every_sweep_looks()
        => Assert.Equal(1000, Sweep(1000));

    [Fact]
    public void After_sixty_looks_in_vain_every_eighth_sweep_looks()
    {
        _pace.Arm();

        Assert.Equal(LooksUntilRest, Sweep(LooksUntilRest));
        Assert.Equal(10, Sweep(10 * SweepsPerLook));
    }

    [Fact]
    public void A_notice_ends_the_rest_and_the_looks_are_counted_anew()
    {
        Rest();

        _pace.Disarm();
        Assert.Equal(5, Sweep(5));
        _pace.Arm();

        Assert.Equal(LooksUntilRest, Sweep(LooksUntilRest));
        Assert.Equal(10, Sweep(10 * SweepsPerLook));
    }

    [Fact]
    public void A_step_that_no_notice_began_does_not_end_the_rest()
    {
        Rest();

        _pace.Arm();

        Assert.Equal(10, Sweep(10 * SweepsPerLook));
    }

    [Fact]
    public void Databases_that_come_to_rest_together_are_looked_at_in_different_sweeps()
    {
        var random = new Random(1);
        SweepPace[] paces = [.. Enumerable.Range(0, 1000).Select(_ => new SweepPace(random))];
        foreach (var pace in paces)
        {
            pace.Arm();
            Assert.Equal(LooksUntilRest, Sweep(pace, LooksUntilRest));
        }

        for (var sweep = 0; sweep < SweepsPerLook; sweep++)
        {
            Assert.InRange(paces.Sum(pace => Sweep(pace, 1)), 1, paces.Length / 4);
        }
    }

    [Fact]
    public void Whether_the_file_was_replaced_is_asked_in_every_fourth_look_and_at_rest_in_each()
    {
        _pace.Arm();
        Assert.Equal([true, false, false, false, true], Enumerable.Range(0, 5).Select(_ => _pace.ChecksForMove()));

        Rest();

        Assert.All(Enumerable.Range(0, 5), _ => Assert.True(_pace.ChecksForMove()));
    }

    private void Rest()
    {
        _pace.Arm();
        Sweep(LooksUntilRest);
    }

    private int Sweep(int times) => Sweep(_pace, times);

    // All of them look in vain. Returns how many looked.
    private static int Sweep(SweepPace pace, int times)
    {
        var looks = 0;
        for (var i = 0; i < times; i++)
        {
            if (!pace.TryPass())
            {
                looks++;
                pace.NoteNothing();
            }
        }

        return looks;
    }
}
