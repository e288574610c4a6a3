using System.Diagnostics;
using Tidemark.Benchmarks.Workloads;
using Tidemark.Replicas.Catalog;
using Tidemark.Replicas.Files;
using Tidemark.Replicas.Stores;

namespace Tidemark.Benchmarks.Roles;

/// <summary>What this program does as a child of itself: one action of the engine in a process of its own, which at its end tells what it
/// took.</summary>
internal static class Role
{
    /// <summary>The first argument of a child.</summary>
    public const string Option = "--role";

    public const string Image = "image";
    public const string Capture = "capture";
    public const string Restore = "restore";
    public const string Compact = "compact";
    public const string Compose = "compose";
    public const string Replicate = "replicate";
    public const string ReplicateWithoutSnapshots = "replicate-without-snapshots";
    public const string ReplicateWithSnapshots = "replicate-with-snapshots";
    public const string ReplicateAll = "replicate-all";
    public const string Follow = "follow";
    public const string FollowWithoutNotices = "follow-without-notices";

    /// <summary>How often <see cref="ReplicateWithSnapshots"/> makes a snapshot.</summary>
    public static readonly TimeSpan SnapshotInterval = TimeSpan.FromSeconds(20);

    /// <summary>A line that asks a replicator to answer when everything is captured and shipped.</summary>
    public const string SettleCommand = "settle";

    /// <summary>The line of its answer.</summary>
    public const string SettledAnswer = "settled";

    /// <summary>Plays the role.</summary>
    public static async Task RunAsync(string name, string[] paths)
    {
        switch (name)
        {
            case Image:
                using (var engine = new Engine(paths[0], paths[1]))
                {
                    engine.Capture();
                    await engine.ShipAsync(paths[2]);
                }

                break;
            case Capture:
                using (var engine = new Engine(paths[0], paths[1]))
                {
                    engine.Capture();
                }

                break;
            case Restore:
                await Engine.RestoreAsync(paths[0], paths[1]);
                break;
            case Compact:
                await Merging.CompactAsync(paths[0], paths[1], new Level(1));
                break;
            case Compose:
                await Merging.ComposeAsync(paths[0], paths[1]);
                break;
            case Replicate:
                await ReplicatorRole.RunAsync(ReplicatorRole.One(paths[0], paths[1]));
                break;
            case ReplicateWithoutSnapshots:
                await ReplicatorRole.RunAsync(ReplicatorRole.One(paths[0], paths[1]) with { SnapshotInterval = TimeSpan.MaxValue });
                break;
            case ReplicateWithSnapshots:
                await ReplicatorRole.RunAsync(ReplicatorRole.One(paths[0], paths[1]) with { SnapshotInterval = SnapshotInterval });
                break;
            case ReplicateAll:
                await ReplicatorRole.RunAsync([.. DatabaseFolder.Paths(paths[0])
                    .Select(path => ReplicatorRole.One(path, Path.Combine(paths[1], Path.GetFileName(path))))]);
                break;
            case Follow:
                await FollowerRole.RunAsync(new LocalStore(paths[0], PhysicalFileSystem.Instance), paths[1]);
                break;
            case FollowWithoutNotices:
                await FollowerRole.RunAsync(new CountingStore(new LocalStore(paths[0], PhysicalFileSystem.Instance)), paths[1]);
                break;
            default:
                throw new ArgumentException($"There is no role '{name}'.", nameof(name));
        }

        using var self = Process.GetCurrentProcess();
        Console.WriteLine(new RoleUsage(self.PeakWorkingSet64, self.TotalProcessorTime.TotalSeconds));
    }
}
