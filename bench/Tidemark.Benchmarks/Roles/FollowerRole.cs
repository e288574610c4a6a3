using Tidemark.Replicas.Files;
using Tidemark.Replicas.Follow;
using Tidemark.Replicas.Stores;

namespace Tidemark.Benchmarks.Roles;

/// <summary>Follows a replica until the standard input ends, with the defaults that users get.</summary>
internal static class FollowerRole
{
    public static async Task RunAsync(IReplicaStore store, string output)
    {
        using var stop = new CancellationTokenSource();
        var input = Task.Run(async () =>
        {
            await Console.In.ReadToEndAsync();
            await stop.CancelAsync();
        });
        var options = new FollowOptions
        {
            OutputPath = output,
            OnFailure = failure => Console.Error.WriteLine(failure.Error.Message),
        };
        try
        {
            await foreach (var position in new Follower(store, PhysicalFileSystem.Instance, TimeProvider.System)
                .FollowAsync(options, stop.Token))
            {
                Console.WriteLine(position.Txid);
            }
        }
        catch (OperationCanceledException)
        {
            await input;
        }
    }
}
