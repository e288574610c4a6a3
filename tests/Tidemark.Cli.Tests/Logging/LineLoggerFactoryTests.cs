using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;
using Tidemark.Cli.Logging;

namespace Tidemark.Cli.Tests.Logging;

public sealed class LineLoggerFactoryTests
{
    [Fact]
    public void A_line_that_cannot_be_written_stops_nothing_and_is_counted()
    {
        using var output = new FragileWriter();
        using (var factory = Create(output))
        {
            var logger = factory.CreateLogger("test");
            output.Failure = new IOException("No space left on device");
            logger.LogInformation("first");
            logger.LogInformation("second");
            output.Failure = null;
            logger.LogInformation("third");
        }

        Assert.Collection(
            output.Lines,
            line => Assert.Contains("msg=third", line, StringComparison.Ordinal),
            line => Assert.EndsWith("lost=2", line, StringComparison.Ordinal));
    }

    [Fact]
    public void A_reader_that_stops_reading_holds_up_nobody()
    {
        using var output = new FragileWriter();
        using var reads = new ManualResetEventSlim();
        output.Waiting = reads;
        using (var factory = Create(output))
        {
            var logger = factory.CreateLogger("test");
            for (var i = 0; i < 1500; i++)
            {
                logger.LogInformation("line"); // Would not return.
            }

            reads.Set();
        }

        Assert.InRange(output.Lines.Count(line => line.Contains("msg=line", StringComparison.Ordinal)), 1000, 1001);
        Assert.Contains(output.Lines, line => line.Contains("lines before this one could not be written here", StringComparison.Ordinal));
    }

    private static LineLoggerFactory Create(TextWriter output) => new(output, LogFormat.Text, LogLevel.Information, new FakeTimeProvider());

    private sealed class FragileWriter : StringWriter
    {
        public FragileWriter() => NewLine = "\n";

        public Exception? Failure { get; set; }

        public ManualResetEventSlim? Waiting { get; set; }

        public IEnumerable<string> Lines => ToString().Split('\n', StringSplitOptions.RemoveEmptyEntries);

        public override void WriteLine(string? value)
        {
            Waiting?.Wait();
            if (Failure is not null)
            {
                throw Failure;
            }

            base.WriteLine(value);
        }
    }
}
