using System.Globalization;
using Tidemark.Replicas.Files;
using Tidemark.Replicas.Follow;
using Tidemark.Replicas.Stores;

namespace Tidemark.Crash.Roles;

/// <summary>Follows a replica, and says every state that it reaches.</summary>
internal static class Following
{
    private const int IntervalMsMax = 40;

    public static async Task RunAsync(string replica, string output, int seed, CancellationToken stopping)
    {
        var options = new FollowOptions
        {
            OutputPath = output,
            Interval = TimeSpan.FromMilliseconds(new Random(seed).Next(1, IntervalMsMax)),
            OnFailure = failure => Console.Error.WriteLine($"retry: {failure.Error.Message}"),
        };
        var follower = new Follower(
            new LocalStore(replica, PhysicalFileSystem.Instance), PhysicalFileSystem.Instance, TimeProvider.System);
        await foreach (var position in follower.FollowAsync(options, stopping))
        {
            Program.SayReady();
            await Console.Out.WriteLineAsync(string.Create(
                CultureInfo.InvariantCulture, $"{position.Outcome} {position.Reason} {position.Previous} {position.Txid}"));
        }
    }
}
