using System.Globalization;
using System.Runtime.InteropServices;

namespace Tidemark.Crash.Roles;

/// <summary>One process of a crash test. It says <c>ready</c> when its work goes on, and does it until it is killed.</summary>
/// <remarks>
/// <code>
///   writer     DATABASE PAGE_SIZE SEED HABIT   stays, visits or request
///   meddler    DATABASE SEED STEPS          0 steps: without end
///   replicator DATABASE REPLICA SEED        until SIGTERM
///   once       DATABASE REPLICA
///   bank       DATABASE SEED                until SIGTERM
///   follower   REPLICA OUTPUT SEED
///   reader     OUTPUT SEED                  ends by itself only when it sees what cannot be
///   holder     LOCK...                      holds locks
///   contender  ROUNDS SEED FOLDER...        takes and gives back the folders' locks as fast as it can
///   application DATABASE PAGE_SIZE          does what it is told on its standard input; see <see cref="Application"/>
/// </code>
/// </remarks>
internal static class Program
{
    private const int Usage = 2;

    public static async Task<int> Main(string[] arguments)
    {
        if (arguments is ["application", var path, var size])
        {
            return new Application(path, Number(size)).Run();
        }

        using var stopping = new CancellationTokenSource();
        using var signal = PosixSignalRegistration.Create(PosixSignal.SIGTERM, context =>
        {
            context.Cancel = true;
            stopping.Cancel();
        });
        _ = EndWithParentAsync();
        try
        {
            switch (arguments)
            {
                case ["writer", var database, var pageSize, var seed, var habit]:
                    await new Writer(database, Number(pageSize), Number(seed), habit).RunAsync(stopping.Token);
                    return 0;
                case ["meddler", var database, var seed, var steps]:
                    await new Meddler(database, Number(seed)).RunAsync(Number(steps), stopping.Token);
                    return 0;
                case ["replicator", var database, var replica, var seed]:
                    await Replication.RunAsync(database, replica, Number(seed), stopping.Token);
                    return 0;
                case ["once", var database, var replica]:
                    await Replication.RunOnceAsync(database, replica, stopping.Token);
                    return 0;
                case ["bank", var database, var seed]:
                    await new Bank(database, Number(seed)).RunAsync(stopping.Token);
                    return 0;
                case ["follower", var replica, var output, var seed]:
                    await Following.RunAsync(replica, output, Number(seed), stopping.Token);
                    return 0;
                case ["reader", var output, var seed]:
                    await new Reader(output, Number(seed)).RunAsync(stopping.Token);
                    return 0;
                case ["holder", .. var paths]:
                    return await LockUser.HoldAsync(paths, stopping.Token) ? 0 : 1;
                case ["contender", var rounds, var seed, .. var folders]:
                    await LockUser.ContendAsync(Number(rounds), Number(seed), folders);
                    return 0;
                default:
                    await Console.Error.WriteLineAsync($"Unknown role: {string.Join(' ', arguments)}");
                    return Usage;
            }
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested)
        {
            return 0;
        }
        catch (Exception e)
        {
            await Console.Error.WriteLineAsync(e.ToString());
            return 1;
        }
    }

    /// <summary>Tells the test that the work has begun.</summary>
    public static void SayReady() => Console.Out.WriteLine("ready");

    // The standard input is a pipe from the test. When the test's process ends, in whatever way, the pipe ends, and no orphan stays.
    private static async Task EndWithParentAsync()
    {
        await Task.Yield();
        await using var input = Console.OpenStandardInput();
        var buffer = new byte[1];
        while (await input.ReadAsync(buffer) > 0)
        {
        }

        Environment.Exit(1);
    }

    private static int Number(string text) => int.Parse(text, CultureInfo.InvariantCulture);
}
