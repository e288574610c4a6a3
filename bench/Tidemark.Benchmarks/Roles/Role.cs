using System.Globalization;
using Tidemark.Benchmarks.Workloads;

namespace Tidemark.Benchmarks.Roles;

/// <summary>What this program does as a child of itself: one action of the engine in a process of its own, which at its end tells how much
/// memory it took.</summary>
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
    public const string Many = "many";

    /// <summary>Begins the last line that a child prints; the bytes follow.</summary>
    public const string PeakLabel = "peak ";

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
                await Merging.CompactAsync(paths[0], paths[1]);
                break;
            case Compose:
                await Merging.ComposeAsync(paths[0], paths[1]);
                break;
            case Replicate:
                await ReplicatorRole.RunAsync(paths[0], paths[1]);
                break;
            case Many:
                ManyRole.Run(paths[0]);
                break;
            default:
                throw new ArgumentException($"There is no role '{name}'.", nameof(name));
        }

        Console.WriteLine(PeakLabel + PeakMemory.Read().ToString(CultureInfo.InvariantCulture));
    }
}
