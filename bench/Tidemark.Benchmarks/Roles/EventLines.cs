using Microsoft.Extensions.Logging;
using Tidemark.Replicas.Catalog;

namespace Tidemark.Benchmarks.Roles;

/// <summary>Prints the replicator's captures, checkpoints and snapshots as lines for the parent process, and its warnings for a person.</summary>
internal sealed class EventLines(TextWriter output, TimeProvider time) : ILoggerFactory, ILogger
{
    private const int CapturedId = 2001;
    private const int CapturedImageId = 2002;
    private const int CheckpointedId = 2007;
    private const int CompactedId = 2033;

    private readonly Lock _gate = new();

    public ILogger CreateLogger(string categoryName) => this;

    public bool IsEnabled(LogLevel logLevel) => true;

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull
        => null;

    public void AddProvider(ILoggerProvider provider)
    {
    }

    public void Log<TState>(
        LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        var now = time.GetTimestamp();
        switch (eventId.Id)
        {
            case CapturedId or CapturedImageId:
                Write(new EngineEvent(EngineEventKind.Captured, now, 0));
                break;
            case CheckpointedId:
                Write(new EngineEvent(EngineEventKind.Checkpointed, now, (double)ValueOf(state, "WaitMs")));
                break;
            case CompactedId:
                if (((string)ValueOf(state, "File")).StartsWith($"{Level.Snapshots}/", StringComparison.Ordinal))
                {
                    Write(new EngineEvent(EngineEventKind.Composed, now, 0));
                }

                break;
            case var _ when logLevel >= LogLevel.Warning:
                Console.Error.WriteLine(formatter(state, exception));
                break;
        }
    }

    public void Dispose()
    {
    }

    private static object ValueOf<TState>(TState state, string name)
        => ((IReadOnlyList<KeyValuePair<string, object?>>)state!).First(value => value.Key == name).Value!;

    private void Write(EngineEvent what)
    {
        lock (_gate)
        {
            output.WriteLine(what.ToString());
        }
    }
}
