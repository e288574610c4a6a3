using System.Diagnostics;
using System.Globalization;
using Tidemark.Formats;

namespace Tidemark.Cli.Demo;

/// <summary>The process of <c>demo-writer</c>.</summary>
internal sealed class DemoWriter : IAsyncDisposable
{
    private readonly Process _process;

    private DemoWriter(Process process) => _process = process;

    /// <summary>Starts this program once more, as a writer, and waits until it writes.</summary>
    public static async Task<DemoWriter> StartAsync(string databasePath, CancellationToken cancellationToken)
    {
        var program = Environment.ProcessPath ?? throw new TidemarkException("The path of this program is not known.");
        var start = new ProcessStartInfo(program) { RedirectStandardInput = true, RedirectStandardOutput = true, UseShellExecute = false };
        if (Path.GetFileNameWithoutExtension(program) == "dotnet")
        {
            start.ArgumentList.Add(Path.Combine(AppContext.BaseDirectory, "tidemark.dll"));
        }

        start.ArgumentList.Add("demo-writer");
        start.ArgumentList.Add(databasePath);
        var writer = new DemoWriter(Process.Start(start)!);
        if (await writer._process.StandardOutput.ReadLineAsync(cancellationToken) != "ready")
        {
            await writer.DisposeAsync();
            throw new TidemarkException("The writer of the demo could not start.");
        }

        return writer;
    }

    /// <summary>Ends the writer after its current transaction.</summary>
    /// <returns>How many transactions it has committed.</returns>
    public async Task<int> StopAsync(CancellationToken cancellationToken)
    {
        _process.StandardInput.Close();
        var count = await _process.StandardOutput.ReadLineAsync(cancellationToken);
        await _process.WaitForExitAsync(cancellationToken);
        return int.TryParse(count, NumberStyles.None, CultureInfo.InvariantCulture, out var transactions)
            ? transactions
            : throw new TidemarkException($"The writer of the demo ended with exit code {_process.ExitCode}.");
    }

    /// <summary>Ends the writer in any case.</summary>
    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            _process.Kill();
            await _process.WaitForExitAsync();
        }

        _process.Dispose();
    }
}
