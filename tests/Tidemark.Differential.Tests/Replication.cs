using System.Globalization;
using System.Text;
using Tidemark.Replicas.Files;
using Tidemark.Testing.Processes;

namespace Tidemark.Differential.Tests;

/// <summary>How often things happen in one replication.</summary>
/// <param name="Checkpoint">After how long a short WAL is copied into the database file.</param>
/// <param name="CheckpointPages">By how many pages the WAL grows before.</param>
/// <param name="Sync">For how long changes are gathered.</param>
internal sealed record Rhythm(string Checkpoint, int CheckpointPages, string Sync)
{
    /// <summary>What the named cases run with.</summary>
    public static Rhythm Fast { get; } = new("1s", 1000, "50ms");
}

/// <summary>The real program, replicating. It keeps the log of all its runs, and remembers what was wrong with their ends.</summary>
internal sealed class Replication(string folder, string database, Rhythm rhythm) : ICompanion
{
    private const int AllLines = int.MaxValue;
    private const int SignalBase = 128;

    // A run that has refused its databases and is about to end may meet the signal that is meant to end it.
    private const int EndedBySigterm = SignalBase + 15;

    private static readonly TimeSpan s_look = TimeSpan.FromMilliseconds(20);

    private readonly StringBuilder _log = new();
    private RoleProcess? _process;
    private bool _isEndNoted = true;

    /// <summary>The program under test: the one that TIDEMARK_PROGRAM names, or else the one built beside the tests.</summary>
    public static string Program { get; } = Environment.GetEnvironmentVariable("TIDEMARK_PROGRAM") is { Length: > 0 } named
        ? Path.GetFullPath(named)
        : Path.Combine(AppContext.BaseDirectory, "tidemark");

    public string ReplicaPath => Path.Combine(folder, "replica");

    /// <summary>What all runs have logged, and how each of them ended.</summary>
    public string Log => _log.ToString();

    /// <summary>Why a run ended that nobody had ended, if one was ended by a signal or by an error that nobody caught.</summary>
    public string? Crash { get; private set; }

    /// <summary>The exit code of the last run that was not killed.</summary>
    public int? ExitCode { get; private set; }

    public bool IsRunning => _process is { HasExited: false };

    private string ConfigPath => Path.Combine(folder, "tidemark.yml");

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        if (IsRunning)
        {
            return;
        }

        await NoteEndAsync();
        WriteConfig();
        _process = RoleProcess.Start("tidemark", Program, ["replicate", "-config", ConfigPath], AllLines);
        _isEndNoted = false;
        await _process.WaitUntilReplicatingAsync(cancellationToken);
    }

    /// <summary>Waits until something has reached the replica, or the program has ended.</summary>
    public async Task WaitForFirstFileAsync(CancellationToken cancellationToken)
    {
        while (IsRunning && (!Directory.Exists(ReplicaPath)
            || !Directory.EnumerateFiles(ReplicaPath, "*.ltx", SearchOption.AllDirectories).Any()))
        {
            await Task.Delay(s_look, TimeProvider.System, cancellationToken);
        }
    }

    public async Task StopAsync(CancellationToken cancellationToken)
    {
        if (_process is not null && IsRunning)
        {
            await _process.StopAsync(cancellationToken);
        }

        await NoteEndAsync();
    }

    public async Task KillAsync()
    {
        if (_process is null || !IsRunning)
        {
            return;
        }

        await _process.KillAsync();
        _isEndNoted = true;
        _log.AppendJoin('\n', _process.Lines).AppendLine("\n-- killed");
    }

    /// <summary>Captures and ships what there is in a run of its own.</summary>
    public async Task<int> RunOnceAsync(CancellationToken cancellationToken)
    {
        await NoteEndAsync();
        WriteConfig();
        _process = RoleProcess.Start("tidemark", Program, ["replicate", "-once", "-config", ConfigPath], AllLines);
        _isEndNoted = false;
        await _process.WaitForExitAsync(cancellationToken);
        await NoteEndAsync();
        return _process.ExitCode;
    }

    /// <summary>Restores the newest state; returns what went wrong, or null.</summary>
    public async Task<string?> RestoreAsync(string output, CancellationToken cancellationToken)
    {
        using var restore = RoleProcess.Start("restore", Program, ["restore", "-o", output, $"file://{ReplicaPath}"], AllLines);
        return await restore.WaitForExitAsync(cancellationToken) == 0 ? null : string.Join('\n', restore.Lines);
    }

    public void Dispose() => _process?.Dispose();

    private async Task NoteEndAsync()
    {
        if (_isEndNoted || _process is not { HasExited: true })
        {
            return;
        }

        _isEndNoted = true;
        ExitCode = await _process.WaitForExitAsync(CancellationToken.None);
        var lines = string.Join('\n', _process.Lines);
        _log.AppendLine(lines).AppendLine(CultureInfo.InvariantCulture, $"-- ended with {ExitCode}");
        if ((ExitCode > SignalBase && ExitCode != EndedBySigterm)
            || lines.Contains("Unhandled exception", StringComparison.OrdinalIgnoreCase))
        {
            Crash = string.Create(CultureInfo.InvariantCulture, $"Tidemark crashed (exit code {ExitCode})");
        }
    }

    private void WriteConfig()
    {
        if (File.Exists(ConfigPath))
        {
            return;
        }

        using var file = PhysicalFileSystem.Instance.Open(ConfigPath, FileMode.CreateNew, FileAccess.ReadWrite);
        file.Write(0, Encoding.UTF8.GetBytes(
            $"""
            logging:
              level: debug
            shutdown-sync-timeout: 3s
            dbs:
              - path: {database}
                monitor-interval: 50ms
                checkpoint-interval: {rhythm.Checkpoint}
                min-checkpoint-page-count: {rhythm.CheckpointPages}
                replica:
                  url: file://{ReplicaPath}
                  sync-interval: {rhythm.Sync}

            """));
    }
}
