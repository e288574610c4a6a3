using System.Globalization;
using Microsoft.Extensions.Logging;

namespace Tidemark.Cli.Logging;

/// <summary>Makes loggers that write one line for each event to one writer. Lines of several threads do not mix.</summary>
/// <remarks>
/// A line that cannot be written stops nothing. One thread writes. Who logs waits for its line, so that what happens next is told next, but
/// not for a reader that has stopped reading (a terminal after Ctrl-S, a pipe that is full): then lines wait, and when too many do, further
/// ones are lost. How many were lost is told as soon as something can be written again.
/// </remarks>
internal sealed class LineLoggerFactory : ILoggerFactory
{
    private const int WaitingMax = 1000;

    // Long enough for a busy machine, on which the order of lines must not be lost.
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(5);

    private readonly TextWriter _output;
    private readonly LogFormat _format;
    private readonly LogLevel _minimum;
    private readonly TimeProvider _time;
    private readonly object _gate = new(); // Pulsed after each line, for those who wait for theirs.
    private readonly SemaphoreSlim _some = new(0);
    private readonly Queue<string> _waiting = new();
    private readonly Thread _writer;
    private long _taken;
    private long _done;
    private long _lost;
    private bool _isStuck;
    private bool _isEnding;

    /// <summary>Begins to write.</summary>
    /// <param name="output">Belongs to the process.</param>
    /// <param name="format">How lines look.</param>
    /// <param name="minimum">The lowest level that is written.</param>
    /// <param name="time">The clock.</param>
    public LineLoggerFactory(TextWriter output, LogFormat format, LogLevel minimum, TimeProvider time)
    {
        (_output, _format, _minimum, _time) = (output, format, minimum, time);
        _writer = new Thread(WriteLines) { IsBackground = true, Name = "Log" };
        _writer.Start();
    }

    /// <inheritdoc/>
    public ILogger CreateLogger(string categoryName) => new LineLogger(this);

    /// <inheritdoc/>
    public void AddProvider(ILoggerProvider provider) => throw new NotSupportedException("The program's log has one destination.");

    /// <summary>Writes what waits, unless nobody takes it. What is logged later is lost.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            _isEnding = true;
        }

        _some.Release();
        if (_writer.Join(s_patience))
        {
            _some.Dispose();
        }
    }

    private void Take<TState>(LogLevel level, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        var text = Format(new LogLine(_time.GetLocalNow(), level, formatter(state, exception), LogLine.FieldsOf(state, exception)));
        lock (_gate)
        {
            if (_waiting.Count >= WaitingMax || _isEnding)
            {
                _lost++;
                return;
            }

            _waiting.Enqueue(text);
            _some.Release();
            var number = ++_taken;
            while (_done < number && !_isStuck)
            {
                _isStuck = !Monitor.Wait(_gate, s_patience);
            }
        }
    }

    private void WriteLines()
    {
        while (TakeNext() is { } line)
        {
            var isWritten = TryWrite(line);
            lock (_gate)
            {
                _done++;
                _isStuck = false;
                _lost += isWritten ? 0 : 1;
                Monitor.PulseAll(_gate);
            }

            TellLost(isWritten);
        }
    }

    private string? TakeNext()
    {
        _some.Wait();
        lock (_gate)
        {
            return _waiting.TryDequeue(out var line) ? line : null; // None is the end.
        }
    }

    private void TellLost(bool canWrite)
    {
        long lost;
        lock (_gate)
        {
            if (_lost == 0 || !canWrite)
            {
                return;
            }

            (lost, _lost) = (_lost, 0);
        }

        var message = string.Create(CultureInfo.InvariantCulture, $"{lost} lines before this one could not be written here, and are lost");
        if (!TryWrite(Format(new LogLine(_time.GetLocalNow(), LogLevel.Warning, message, [KeyValuePair.Create("lost", (object?)lost)]))))
        {
            lock (_gate)
            {
                _lost += lost;
            }
        }
    }

    private bool TryWrite(string line)
    {
        try
        {
            _output.WriteLine(line);
            _output.Flush();
            return true;
        }
#pragma warning disable CA1031 // Whatever is wrong with the log must not become wrong with the work.
        catch (Exception)
#pragma warning restore CA1031
        {
            return false;
        }
    }

    private string Format(LogLine line) => _format == LogFormat.Json ? line.ToJson() : line.ToText();

    private sealed class LineLogger(LineLoggerFactory factory) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel >= factory._minimum && logLevel != LogLevel.None;

        public void Log<TState>(
            LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (IsEnabled(logLevel))
            {
                factory.Take(logLevel, state, exception, formatter);
            }
        }
    }
}
