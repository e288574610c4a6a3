using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;
using Tidemark.Cli.Logging;
using Tidemark.Formats;

namespace Tidemark.Cli.Tests.Logging;

public sealed class LogLineTests : IDisposable
{
    private readonly FakeTimeProvider _time = new(new DateTimeOffset(2026, 1, 2, 15, 4, 5, 60, TimeSpan.Zero));
    private readonly StringWriter _output = new() { NewLine = "\n" };

    public void Dispose() => _output.Dispose();

    [Fact]
    public void A_text_line_has_time_level_message_and_values()
    {
        Log(LogFormat.Text, LogLevel.Information, logger
            => logger.LogInformation("Synced {DatabasePath} in {Duration}", "/a b", TimeSpan.FromMinutes(1)));

        Assert.Equal(
            "time=2026-01-02T15:04:05.060+00:00 level=INFO msg=\"Synced /a b in 00:01:00\" database_path=\"/a b\" duration=1m0s\n",
                _output.ToString());
    }

    [Fact]
    public void A_json_line_is_one_object()
    {
        Log(LogFormat.Json, LogLevel.Information, logger => logger.LogWarning("Waited for {Count} \"files\"", 3));

        Assert.Equal(
            """{"time":"2026-01-02T15:04:05.0600000+00:00","level":"WARN","msg":"Waited for 3 \"files\"","count":3}""" + "\n",
            _output.ToString());
    }

    [Fact]
    public void An_error_comes_with_its_message_and_hint()
    {
        Log(LogFormat.Text, LogLevel.Information, logger
            => logger.LogError(new TidemarkException("disk\nfull", "Free some space."), "Failed"));

        Assert.EndsWith("level=ERROR msg=Failed error=\"disk\\nfull\" hint=\"Free some space.\"\n", _output.ToString(),
            StringComparison.Ordinal);
    }

    [Fact]
    public void A_long_value_that_the_message_has_is_not_repeated_in_text()
    {
        var (shorter, longer) = (new string('s', 60), new string('l', 61));

        Log(LogFormat.Text, LogLevel.Information, logger => logger.LogInformation("{Short} {Long}", shorter, longer));
        Assert.EndsWith($" msg=\"{shorter} {longer}\" short={shorter}\n", _output.ToString(), StringComparison.Ordinal);

        Log(LogFormat.Json, LogLevel.Information, logger => logger.LogInformation("{Short} {Long}", shorter, longer));
        Assert.EndsWith($"\"short\":\"{shorter}\",\"long\":\"{longer}\"}}\n", _output.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void Events_below_the_level_are_not_written()
    {
        Log(LogFormat.Text, LogLevel.Warning, logger => logger.LogInformation("quiet"));

        Assert.Empty(_output.ToString());
    }

    private void Log(LogFormat format, LogLevel minimum, Action<ILogger> write)
    {
        using var factory = new LineLoggerFactory(_output, format, minimum, _time);
        write(factory.CreateLogger("test"));
    }
}
