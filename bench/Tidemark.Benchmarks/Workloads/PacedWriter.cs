namespace Tidemark.Benchmarks.Workloads;

/// <summary>An application that commits one small row at a time, at a steady rate, and notes how long each transaction took.</summary>
internal static class PacedWriter
{
    /// <summary>Writes for a while.</summary>
    public static List<TransactionTime> Run(string databasePath, double transactionsPerSecond, TimeSpan duration)
        => Run(databasePath, transactionsPerSecond, elapsed => elapsed >= duration);

    /// <summary>Writes until it is enough.</summary>
    /// <param name="databasePath">The database, which has a table <c>log</c>.</param>
    /// <param name="transactionsPerSecond">The rate.</param>
    /// <param name="isEnough">Asked before each transaction, with the time since the first one.</param>
    public static List<TransactionTime> Run(string databasePath, double transactionsPerSecond, Func<TimeSpan, bool> isEnough)
    {
        var time = TimeProvider.System;
        using var application = Connection.OpenWal(databasePath);
        using var insert = application.Prepare("INSERT INTO log(line) VALUES(hex(randomblob(50)))");
        application.Run(insert);
        var transactions = new List<TransactionTime>();
        var begin = time.GetTimestamp();
        using var never = new ManualResetEvent(initialState: false);
        while (!isEnough(time.GetElapsedTime(begin)))
        {
            var due = TimeSpan.FromSeconds(transactions.Count / transactionsPerSecond);
            while (time.GetElapsedTime(begin) < due)
            {
                never.WaitOne(1);
            }

            var started = time.GetTimestamp();
            application.Run(insert);
            transactions.Add(new TransactionTime(started, time.GetTimestamp()));
        }

        return transactions;
    }
}
