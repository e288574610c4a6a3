using System.Globalization;
using Tidemark.Replicas.Restore;

namespace Tidemark.Cli.Output;

/// <summary>One line on a terminal that tells how far a restore or a check is. One that is quickly done shows none.</summary>
internal sealed class ProgressLine(TextWriter terminal, TimeProvider time, string activity = "restoring")
    : IProgress<RestoreProgress>, IDisposable
{
    private static readonly TimeSpan s_silence = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan s_interval = TimeSpan.FromMilliseconds(200);

    private readonly Lock _gate = new();
    private readonly long _started = time.GetTimestamp();
    private TimeSpan _next = s_silence;
    private int _width;
    private bool _isDisposed;

    /// <inheritdoc/>
    public void Report(RestoreProgress value)
    {
        lock (_gate)
        {
            var elapsed = time.GetElapsedTime(_started);
            if (_isDisposed || elapsed < _next)
            {
                return;
            }

            _next = elapsed + s_interval;
            var share = value.BytesTotal == 0 ? 1 : (double)value.BytesRead / value.BytesTotal;
            var (read, total) = (ByteSize.Format(value.BytesRead), ByteSize.Format(value.BytesTotal));
            var rate = ByteSize.Format((long)(value.BytesRead / elapsed.TotalSeconds));
            var left = share > 0 ? $", {Duration(elapsed * ((1 / share) - 1))} left" : "";
            Show(string.Create(
                CultureInfo.InvariantCulture,
                $"{activity}: {share * 100:0} %, {read} of {total}, {rate}/s{left}"));
        }
    }

    /// <summary>Wipes the line, so that what follows stands alone. Nothing is shown any more.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            _isDisposed = true;
            if (_width > 0)
            {
                Show("");
                terminal.Write('\r');
                _width = 0;
            }
        }
    }

    /// <summary>Seconds are not worth reading when it takes hours.</summary>
    private static string Duration(TimeSpan time) => time switch
    {
        { TotalHours: >= 1 } => $"{(int)time.TotalHours} h {time.Minutes} min",
        { TotalMinutes: >= 1 } => $"{time.Minutes} min {time.Seconds} s",
        _ => $"{(int)Math.Ceiling(time.TotalSeconds)} s",
    };

    private void Show(string text)
    {
        terminal.Write("\r" + text.PadRight(_width));
        terminal.Flush();
        _width = text.Length;
    }
}
