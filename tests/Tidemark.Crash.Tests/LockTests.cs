using Tidemark.Replicas.Files;
using Tidemark.Testing;
using Tidemark.Testing.Processes;
using Xunit;

namespace Tidemark.Crash.Tests;

/// <summary>Locks of spools between real processes.</summary>
public sealed class LockTests : IDisposable
{
    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(1);

    private readonly TemporaryFolder _folder = new();
    private readonly string[] _folders;

    public LockTests()
    {
        _folders = [.. Enumerable.Range(0, 4).Select(number => _folder[$"{number}"])];
        foreach (var folder in _folders)
        {
            Directory.CreateDirectory(folder);
        }
    }

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task The_locks_of_a_killed_process_are_free_for_several_others()
    {
        var locks = _folders.Select(folder => Path.Combine(folder, "lock")).ToArray();
        using (var killed = RoleProcess.StartRole(["holder", .. locks]))
        {
            await killed.WaitUntilReadyAsync(s_patience, Cancelled);
            Assert.True(killed.IsReady, killed.Words);
            Assert.All(locks, path => Assert.Null(PhysicalFileSystem.Instance.TryLock(path)));
            await killed.KillAsync();
        }

        // All four names still lead to one file. Two processes and this one take what they need of them.
        using var first = RoleProcess.StartRole("holder", locks[0]);
        using var second = RoleProcess.StartRole("holder", locks[1], locks[2]);
        using var own = PhysicalFileSystem.Instance.TryLock(locks[3]);
        await first.WaitUntilReadyAsync(s_patience, Cancelled);
        await second.WaitUntilReadyAsync(s_patience, Cancelled);

        Assert.NotNull(own);
        Assert.True(first.IsReady, first.Words);
        Assert.True(second.IsReady, second.Words);
        Assert.All(locks, path => Assert.Null(PhysicalFileSystem.Instance.TryLock(path)));
        await first.KillAsync();
        await second.KillAsync();
    }

    [Fact]
    public async Task Processes_that_fight_for_locks_never_have_one_at_the_same_time()
    {
        var contenders = Enumerable.Range(0, 3)
            .Select(number => RoleProcess.StartRole(["contender", "500", $"{number * 10}", .. _folders])).ToArray();
        foreach (var contender in contenders)
        {
            using (contender)
            {
                Assert.True(await contender.WaitForExitAsync(Cancelled) == 0, contender.Words);
            }
        }
    }
}
