using Tidemark.Testing.Processes;

namespace Tidemark.Differential.Tests;

/// <summary>
/// A process that has the database open and does nothing: no transaction, no checkpoint. What goes wrong beside it is unsafe with
/// whatever second program.
/// </summary>
internal sealed class IdleReader(string database) : ICompanion
{
    private RoleProcess? _process;

    public bool IsRunning => _process is { HasExited: false };

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        if (!IsRunning && File.Exists(database))
        {
            Dispose();
            _process = RoleProcess.StartRole("application", database, "4096");
            await _process.WaitForAnswerAsync(cancellationToken);
            await _process.AskAsync("sql SELECT count(*) FROM sqlite_schema", cancellationToken);
        }
    }

    public async Task StopAsync(CancellationToken cancellationToken)
    {
        if (_process is not null && IsRunning)
        {
            await _process.AskAsync("stop", cancellationToken);
            await _process.WaitForExitAsync(cancellationToken);
        }
    }

    public Task KillAsync() => _process is not null && IsRunning ? _process.KillAsync() : Task.CompletedTask;

    public void Dispose() => _process?.Dispose();
}
