using Tidemark.Replicas.Files;
using Tidemark.Replicas.Stores;
using Tidemark.Replication;

namespace Tidemark.Benchmarks.Roles;

/// <summary>Replicates one database to a folder, with the defaults that users get, until the standard input ends.</summary>
internal static class ReplicatorRole
{
    public static async Task RunAsync(string databasePath, string replicaFolder)
    {
        using var stop = new CancellationTokenSource();
        using var events = new EventLines(Console.Out, TimeProvider.System);
        var database = new DatabaseOptions
        {
            DatabasePath = databasePath,
            Destinations = [new LocalStore(replicaFolder, PhysicalFileSystem.Instance)],
        };
        var replicator = new Replicator([database], PhysicalFileSystem.Instance, TimeProvider.System, events);
        var running = replicator.RunAsync(stop.Token, CancellationToken.None);
        var input = Task.Run(Console.In.ReadToEnd);
        if (await Task.WhenAny(running, input) == input)
        {
            await stop.CancelAsync();
        }

        await running;
    }
}
