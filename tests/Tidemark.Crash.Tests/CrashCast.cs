using System.Globalization;
using System.Text;
using Tidemark.Testing.Processes;
using Xunit;

namespace Tidemark.Crash.Tests;

/// <summary>
/// The processes of one history: an application that writes, somebody who meddles, and the replicator. Decides who is killed when.
/// </summary>
internal sealed class CrashCast(string folder, string database, string replica, int pageSize, string habit, Random random)
{
    private const int LifeMsMax = 900;
    private const int CatchUpMsMax = 400;

    // Nothing says that a replicator has nothing to do, or that a writer waits for somebody else.
    private static readonly TimeSpan s_settleMax = TimeSpan.FromSeconds(2);

    private readonly List<RoleProcess> _processes = [];
    private readonly StringBuilder _protocol = new();

    /// <summary>How many processes were killed.</summary>
    public int Kills { get; private set; }

    /// <summary>Whether an application has created the database.</summary>
    public bool HasDatabase { get; private set; }

    /// <summary>What happened, and what the processes said.</summary>
    public string Protocol => _protocol.ToString();

    private static string? Program => Environment.GetEnvironmentVariable("TIDEMARK_PROGRAM") is { Length: > 0 } path ? path : null;

    /// <summary>One round: all begin, some are killed and perhaps begin again, and in the end all are dead.</summary>
    public async Task PlayAsync(ReplicaLedger ledger, CancellationToken cancellationToken)
    {
        _protocol.Clear();
        foreach (var start in Shuffled([StartWriter, StartMeddler, StartReplicator]))
        {
            start();
        }

        await SettleAsync(cancellationToken);
        for (var kills = random.Next(1, 5); kills > 0; kills--)
        {
            await LiveAsync(LifeMsMax, cancellationToken);
            AssertNobodyGaveUp();
            var (name, start) = random.Next(10) switch
            {
                < 6 => ("replicator", (Action)StartReplicator),
                < 9 => ("writer", StartWriter),
                _ => ("meddler", StartMeddler),
            };
            if (Find(name) is { } victim)
            {
                await KillAsync(victim);
            }

            await ledger.ObserveAsync(cancellationToken);
            start();
            await SettleAsync(cancellationToken);
        }

        await LiveAsync(LifeMsMax, cancellationToken);
        AssertNobodyGaveUp();
        if (random.Next(4) == 0)
        {
            await StopReplicatorAsync(cancellationToken);
        }

        foreach (var process in Shuffled(_processes.ToArray()))
        {
            await KillAsync(process);
            await LiveAsync(LifeMsMax / 10, cancellationToken);
        }

        if (HasDatabase && random.Next(3) == 0)
        {
            // Others go on while nobody replicates: the WAL is started over, or is gone.
            var steps = random.Next(1, 20).ToString(CultureInfo.InvariantCulture);
            await FinishAsync(Start("meddler", database, Seed(), steps), cancellationToken);
        }
    }

    /// <summary>Captures and ships what is there; perhaps after a try that is killed as well.</summary>
    public async Task CatchUpAsync(CancellationToken cancellationToken)
    {
        if (random.Next(4) == 0)
        {
            var process = StartOnce();
            await LiveAsync(CatchUpMsMax, cancellationToken);
            await KillAsync(process);
        }

        await FinishAsync(StartOnce(), cancellationToken);
    }

    /// <summary>Ends everything that runs.</summary>
    public async Task KillAllAsync()
    {
        foreach (var process in _processes.ToArray())
        {
            await KillAsync(process);
        }
    }

    private void StartWriter() => Start("writer", database, pageSize.ToString(CultureInfo.InvariantCulture), Seed(), habit);

    private void StartMeddler()
    {
        // Before the application has created the database, another one would choose the page size.
        if (HasDatabase)
        {
            Start("meddler", database, Seed(), "0");
        }
    }

    private void StartReplicator()
    {
        var seed = Seed();
        if (Program is { } program)
        {
            Add(RoleProcess.Start("replicator", program, ["replicate", "-config", WriteConfig()]));
        }
        else
        {
            Start("replicator", database, replica, seed);
        }
    }

    private RoleProcess StartOnce()
        => Program is { } program
            ? Add(RoleProcess.Start("once", program, ["replicate", "-once", "-config", WriteConfig()]))
            : Start("once", database, replica);

    private RoleProcess Start(params IReadOnlyList<string> arguments) => Add(RoleProcess.StartRole(arguments));

    private RoleProcess Add(RoleProcess process)
    {
        _processes.Add(process);
        return process;
    }

    private RoleProcess? Find(string name) => _processes.FirstOrDefault(process => process.Name == name);

    private RoleProcess Of(string name) => Find(name) ?? throw new InvalidOperationException($"There is no {name}.");

    private async Task LiveAsync(int msMax, CancellationToken cancellationToken)
        => await Task.Delay(TimeSpan.FromMilliseconds(random.Next(msMax)), TimeProvider.System, cancellationToken);

    // Mostly everybody gets to work before the next kill; sometimes it comes while they still begin.
    private async Task SettleAsync(CancellationToken cancellationToken)
    {
        if (random.Next(5) > 0)
        {
            await Task.WhenAll(_processes.Select(process => process.WaitUntilReadyAsync(s_settleMax, cancellationToken)));
        }
    }

    private async Task KillAsync(RoleProcess process)
    {
        await process.KillAsync();
        HasDatabase |= process is { Name: "writer", IsReady: true };
        Kills++;
        Remove(process, "killed");
    }

    private async Task StopReplicatorAsync(CancellationToken cancellationToken)
    {
        var process = Of("replicator");
        await process.WaitUntilReplicatingAsync(cancellationToken);
        var code = await process.StopAsync(cancellationToken);
        Remove(process, "stopped");
        Assert.True(code == 0, $"The replicator was asked to stop and ended with {code}.");
    }

    private async Task FinishAsync(RoleProcess process, CancellationToken cancellationToken)
    {
        var code = await process.WaitForExitAsync(cancellationToken);
        Remove(process, "ended");
        Assert.True(code == 0, $"{process.Name} ended with {code}.");
    }

    private void Remove(RoleProcess process, string how)
    {
        _processes.Remove(process);
        _protocol.Append(CultureInfo.InvariantCulture, $"{TimeProvider.System.GetUtcNow():HH:mm:ss.fff} {how}: ").AppendLine(process.Words);
        process.Dispose();
    }

    private void AssertNobodyGaveUp()
    {
        foreach (var process in _processes.ToArray().Where(process => process.HasExited))
        {
            Remove(process, "gave up");
            Assert.Fail($"{process.Name} ended by itself.");
        }
    }

    private string Seed() => random.Next().ToString(CultureInfo.InvariantCulture);

    private T[] Shuffled<T>(T[] items)
    {
        random.Shuffle(items);
        return items;
    }

    // Intervals so short that there is always something that a kill interrupts.
    private string WriteConfig()
    {
        var path = Path.Combine(folder, "tidemark.yml");
        using var writer = new StreamWriter(path);
        writer.Write(
            $"""
            dbs:
              - path: {database}
                monitor-interval: 30ms
                checkpoint-interval: 300ms
                min-checkpoint-page-count: 40
                replica:
                  url: file://{replica}
                  sync-interval: 5ms

            """);
        return path;
    }
}
