using Microsoft.Extensions.Logging;

namespace Tidemark.Cli.Logging;

/// <summary>Makes loggers that write one line for each event to one writer. Lines of several threads do not mix.</summary>
internal sealed class LineLoggerFactory(TextWriter output, LogFormat format, LogLevel minimum, TimeProvider time) : ILoggerFactory
{
    private readonly Lock _gate = new();

    /// <inheritdoc/>
    public ILogger CreateLogger(string categoryName) => new LineLogger(this);

    /// <inheritdoc/>
    public void AddProvider(ILoggerProvider provider) => throw new NotSupportedException("The program's log has one destination.");

    /// <summary>Nothing to do: the writer belongs to the process.</summary>
    public void Dispose()
    {
    }

    private void Write<TState>(LogLevel level, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        var line = new LogLine(time.GetLocalNow(), level, formatter(state, exception), LogLine.FieldsOf(state, exception));
        var text = format == LogFormat.Json ? line.ToJson() : line.ToText();
        lock (_gate)
        {
            output.WriteLine(text);
            output.Flush();
        }
    }

    private sealed class LineLogger(LineLoggerFactory factory) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel >= factory.Minimum && logLevel != LogLevel.None;

        public void Log<TState>(
            LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (IsEnabled(logLevel))
            {
                factory.Write(logLevel, state, exception, formatter);
            }
        }
    }

    private LogLevel Minimum => minimum;
}
