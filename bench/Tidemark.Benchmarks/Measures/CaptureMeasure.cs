using Tidemark.Benchmarks.Reporting;
using Tidemark.Benchmarks.Workloads;

namespace Tidemark.Benchmarks.Measures;

/// <summary>How fast a long WAL is captured, in pieces of bounded size, compared with copying the WAL file.</summary>
internal sealed class CaptureMeasure : IMeasure
{
    private const int WalBytes = 400_000_000;
    private const int BytesOfTransaction = 1_000_000;
    private const int Repetitions = 4;

    public string Name => "capture";

    public Task<IReadOnlyList<Figure>> RunAsync(Workspace workspace)
    {
        SampleDatabase.Create(workspace["app.db"], 20_000_000);
        var (rates, capture, copy) = (new List<double>(), new List<double>(), new List<double>());
        using (var application = Connection.OpenWal(workspace["app.db"]))
        using (var engine = new Engine(workspace["app.db"], workspace["spool"]))
        {
            engine.Capture();
            for (var i = 0; i <= Repetitions; i++)
            {
                for (var written = 0; written < WalBytes; written += BytesOfTransaction)
                {
                    SampleDatabase.Fill(application, BytesOfTransaction);
                }

                var copySeconds = SystemCopy.Time(workspace["app.db-wal"], workspace["copy"]);
                var walBytes = new FileInfo(workspace["copy"]).Length;
                workspace.Remove("copy");
                var captureSeconds = Time(engine);
                engine.Seal();

                // The first run compiles everything; and the WAL file keeps its length when it starts over, so that both sides see the same
                // bytes.
                if (i > 0)
                {
                    copy.Add(copySeconds);
                    capture.Add(captureSeconds);
                    rates.Add(walBytes / 1e6 / captureSeconds);
                }
            }
        }

        workspace.Remove("app.db", "spool");
        return Task.FromResult<IReadOnlyList<Figure>>(
        [
            Figure.Plain("capture of a WAL of 400 MB", new Sample(rates), "MB/s"),
            Figure.Plain("capture of a WAL of 400 MB, to cp", new Sample(capture.Zip(copy, (own, other) => own / other)), "x"),
        ]);
    }

    private static double Time(Engine engine)
    {
        Machine.Settle();
        var time = TimeProvider.System;
        var started = time.GetTimestamp();
        engine.Capture();
        return time.GetElapsedTime(started).TotalSeconds;
    }
}
