using Microsoft.Extensions.Logging;

namespace Tidemark.Replication.Tests.Scheduling;

/// <summary>Keeps the events of a run.</summary>
internal sealed class EventLog : ILoggerFactory, ILogger
{
    private readonly Lock _gate = new();
    private readonly List<(LogLevel Level, int Id, string Text)> _events = [];

    /// <summary>The events with a number, oldest first.</summary>
    public IReadOnlyList<(LogLevel Level, string Text)> Of(int id)
    {
        lock (_gate)
        {
            return [.. _events.Where(one => one.Id == id).Select(one => (one.Level, one.Text))];
        }
    }

    public ILogger CreateLogger(string categoryName) => this;

    public void AddProvider(ILoggerProvider provider)
    {
    }

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => true;

    public void Log<TState>(
        LogLevel logLevel, EventId id, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        lock (_gate)
        {
            _events.Add((logLevel, id.Id, formatter(state, exception)));
        }
    }

    public void Dispose()
    {
    }
}
