using Tidemark.Replicas.Files;

namespace Tidemark.Crash.Roles;

/// <summary>Takes locks as spools do.</summary>
internal static class LockUser
{
    private static readonly PhysicalFileSystem s_files = PhysicalFileSystem.Instance;

    /// <summary>Holds locks until it is told to end; false when one was not free.</summary>
    public static async Task<bool> HoldAsync(IReadOnlyList<string> paths, CancellationToken stopping)
    {
        if (!paths.All(path => s_files.TryLock(path) is not null))
        {
            return false;
        }

        Program.SayReady();
        await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, stopping);
        return true;
    }

    /// <summary>Fails when two have one lock at the same time: then the file that only a holder creates is there already.</summary>
    public static Task ContendAsync(int rounds, int seed, IReadOnlyList<string> folders)
        => Task.WhenAll(Enumerable.Range(0, 2).Select(thread => Task.Run(() => Contend(rounds, new Random(seed + thread), folders))));

    private static void Contend(int rounds, Random random, IReadOnlyList<string> folders)
    {
        for (var round = 0; round < rounds;)
        {
            var folder = folders[random.Next(folders.Count)];
            using var held = s_files.TryLock(Path.Combine(folder, "lock"));
            if (held is not null)
            {
                s_files.Open(Path.Combine(folder, "holder"), FileMode.CreateNew, FileAccess.ReadWrite).Dispose();
                s_files.Delete(Path.Combine(folder, "holder"));
                round++;
            }
        }
    }
}
