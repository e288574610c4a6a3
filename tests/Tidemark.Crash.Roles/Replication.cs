using Tidemark.Replicas.Files;
using Tidemark.Replicas.Stores;
using Tidemark.Replication;

namespace Tidemark.Crash.Roles;

/// <summary>Replicates as the program does, with intervals so short that there is always something that a kill interrupts.</summary>
internal static class Replication
{
    private static readonly TimeSpan[] s_syncIntervals = [TimeSpan.Zero, TimeSpan.FromMilliseconds(5), TimeSpan.FromMilliseconds(50)];
    private static readonly TimeSpan[] s_checkpointIntervals =
        [TimeSpan.FromMilliseconds(20), TimeSpan.FromMilliseconds(300), TimeSpan.Zero];
    private static readonly int[] s_checkpointPages = [1, 40, 1000];
    private static readonly long[] s_captureBytes = [16 << 10, 1 << 20, 64 << 20];

    /// <summary>Runs until it is told to stop, and then finishes.</summary>
    public static async Task RunAsync(string database, string replica, int seed, CancellationToken stopping)
    {
        var random = new Random(seed);
        var options = Options(database, replica) with
        {
            SyncInterval = Pick(random, s_syncIntervals),
            MonitorInterval = TimeSpan.FromMilliseconds(30),
            CheckpointInterval = Pick(random, s_checkpointIntervals),
            CheckpointPages = Pick(random, s_checkpointPages),
            CaptureBytesMax = Pick(random, s_captureBytes),
        };
        await Create(options).RunAsync(stopping, CancellationToken.None);
    }

    /// <summary>Captures and ships what is there.</summary>
    public static Task RunOnceAsync(string database, string replica, CancellationToken stopping)
        => Create(Options(database, replica)).RunOnceAsync(stopping);

    private static DatabaseOptions Options(string database, string replica)
        => new() { DatabasePath = database, Destinations = [new LocalStore(replica, PhysicalFileSystem.Instance)] };

    private static Replicator Create(DatabaseOptions options)
        => new([options], PhysicalFileSystem.Instance, TimeProvider.System, new StandardErrorLoggers());

    private static T Pick<T>(Random random, T[] values) => values[random.Next(values.Length)];
}
