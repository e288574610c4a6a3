using Tidemark.Replicas.Files;
using Tidemark.Replicas.Stores;
using Tidemark.Replication;
using Tidemark.Replication.Health;

namespace Tidemark.Benchmarks.Roles;

/// <summary>Replicates databases until the standard input ends, and tells on demand when everything is shipped.</summary>
internal static class ReplicatorRole
{
    private static readonly TimeSpan s_lookInterval = TimeSpan.FromMilliseconds(100);

    /// <summary>A database and the folder of its replica, with the defaults that users get.</summary>
    public static DatabaseOptions One(string databasePath, string replicaFolder) => new()
    {
        DatabasePath = databasePath,
        Destinations = [new LocalStore(replicaFolder, PhysicalFileSystem.Instance)],
    };

    public static async Task RunAsync(params IReadOnlyList<DatabaseOptions> databases)
    {
        using var stop = new CancellationTokenSource();
        using var events = new EventLines(Console.Out, TimeProvider.System);
        var replicator = new Replicator(databases, PhysicalFileSystem.Instance, TimeProvider.System, events);
        var running = replicator.RunAsync(stop.Token, CancellationToken.None);
        var input = Task.Run(() => ObeyAsync(replicator, databases.Count));
        if (await Task.WhenAny(running, input) == input)
        {
            await stop.CancelAsync();
        }

        await running;
    }

    private static async Task ObeyAsync(Replicator replicator, int count)
    {
        while (await Console.In.ReadLineAsync() is { } line)
        {
            if (line == Role.SettleCommand)
            {
                while (replicator.GetStatus() is var status && (status.Count < count || !status.All(IsSettled)))
                {
                    await Task.Delay(s_lookInterval, TimeProvider.System);
                }

                Console.WriteLine(Role.SettledAnswer);
            }
        }
    }

    private static bool IsSettled(DatabaseStatus status)
        => status.State == DatabaseState.Replicating
            && !status.Captured.IsNone
            && status.Destinations.All(destination => destination.IsKnown && destination.LagTransactions == 0);
}
