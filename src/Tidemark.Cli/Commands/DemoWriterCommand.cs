using System.Globalization;
using Tidemark.Cli.Demo;
using Tidemark.Cli.Processes;

namespace Tidemark.Cli.Commands;

/// <summary>The application of the demo, in a process of its own: writes transactions until its standard input ends.</summary>
internal sealed class DemoWriterCommand() : Command("demo-writer", "Writes transactions to a database until standard input ends")
{
    // Fast enough to be a load, slow enough to leave no gigabytes behind a demo that somebody forgot.
    private static readonly TimeSpan s_pause = TimeSpan.FromMilliseconds(2);

    /// <inheritdoc/>
    public override IReadOnlyList<string> Forms => ["DB_PATH"];

    /// <inheritdoc/>
    public override bool IsHidden => true;

    /// <inheritdoc/>
    public override async Task<int> RunAsync(IReadOnlyList<string> positionals, CommandHost host)
    {
        if (positionals is not [{ Length: > 0 } path])
        {
            throw Misuse("database path required");
        }

        // Ctrl-C reaches this process too. The demo decides when it ends, by closing the input.
        using var interruption = Interruption.Register();
        using var database = DemoDatabase.Open(path);
        database.Execute("PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL");
        database.Execute("CREATE TABLE event(id INTEGER PRIMARY KEY, at TEXT, payload BLOB)");
        await host.Output.WriteLineAsync("ready");
        await host.Output.FlushAsync();

        var end = WaitForEndOfInputAsync();
        using var pause = new PeriodicTimer(s_pause, host.Time);
        var transactions = 0;
        while (!end.IsCompleted)
        {
            database.Execute(
                """
                BEGIN IMMEDIATE;
                INSERT INTO event(at, payload) SELECT strftime('%Y-%m-%dT%H:%M:%fZ'), randomblob(300) FROM (VALUES(1), (2), (3), (4), (5));
                UPDATE event SET payload = randomblob(300) WHERE id = 1 + abs(random()) % (SELECT max(id) FROM event);
                DELETE FROM event WHERE id = 1 + abs(random()) % (SELECT max(id) FROM event);
                COMMIT;
                """);
            transactions++;
            await pause.WaitForNextTickAsync();
        }

        await host.Output.WriteLineAsync(transactions.ToString(CultureInfo.InvariantCulture));
        return ExitCode.Done;
    }

    private static async Task WaitForEndOfInputAsync()
    {
        await using var input = Console.OpenStandardInput();
        var buffer = new byte[16];
        while (await input.ReadAsync(buffer) > 0)
        {
            // What is written has no meaning; only the end has.
        }
    }
}
