using Microsoft.Extensions.Logging;

namespace Tidemark.Crash.Roles;

/// <summary>
/// Writes what an operator would read to standard error, so that a failing test can show it. With the first file that is shipped the
/// work has begun.
/// </summary>
internal sealed class StandardErrorLoggers : ILoggerFactory, ILogger
{
    private const int ShippedEvent = 2005;

    private int _shipped;

    public ILogger CreateLogger(string categoryName) => this;

    public void AddProvider(ILoggerProvider provider)
    {
    }

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => true;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception,
        Func<TState, Exception?, string> formatter)
    {
        Console.Error.WriteLine($"{TimeProvider.System.GetUtcNow():HH:mm:ss.fff} {logLevel}: {formatter(state, exception)}");
        if (eventId.Id == ShippedEvent && Interlocked.Increment(ref _shipped) == 1)
        {
            Program.SayReady();
        }
    }

    public void Dispose()
    {
    }
}
