using Tidemark.Replication.Capture;
using Xunit;

namespace Tidemark.Replication.Tests.Capture;

public sealed class SpoolBudgetTests
{
    [Fact]
    public void Nothing_goes_up_to_the_bound()
    {
        var budget = new SpoolBudget(1000, 10);
        Assert.True(budget.Allows(1000));
        Assert.False(budget.Allows(1001));
        Assert.Equal(0, budget.CountToDrop([300, 300, 400]));
        Assert.Equal(0, budget.CountToDrop([]));
    }

    [Fact]
    public void Beyond_the_bound_the_oldest_go_until_half_of_it_is_left()
    {
        var budget = new SpoolBudget(1000, 10);
        Assert.Equal(2, budget.CountToDrop([300, 300, 401]));
        Assert.Equal(6, budget.CountToDrop([.. Enumerable.Repeat(100L, 11)]));
    }

    [Fact]
    public void The_newest_capture_never_goes()
    {
        Assert.Equal(0, new SpoolBudget(1000, 10).CountToDrop([5000]));
        Assert.Equal(2, new SpoolBudget(1000, 10).CountToDrop([1, 1, 5000]));
    }

    [Fact]
    public void The_bound_is_never_less_than_twice_the_database()
    {
        Assert.Equal(6000, new SpoolBudget(1000, 3000).LimitBytes);
        Assert.Equal(0, new SpoolBudget(1000, 3000).CountToDrop([2000, 2000, 2000]));
    }

    [Fact]
    public void Without_a_bound_everything_stays()
        => Assert.Equal(0, new SpoolBudget(0, 10).CountToDrop([long.MaxValue / 4, long.MaxValue / 4, 1]));
}
