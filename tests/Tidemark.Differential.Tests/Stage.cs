using System.Globalization;
using Tidemark.Testing.Processes;

namespace Tidemark.Differential.Tests;

/// <summary>
/// One folder in which a script is played: the database, the application that it belongs to, and whoever else has it open.
/// </summary>
internal sealed class Stage(string folder, string prepared, int pageSize, OtherName otherName, ICompanion companion) : IDisposable
{
    private static readonly TimeSpan s_look = TimeSpan.FromMilliseconds(50);

    private readonly List<string> _protocol = [];
    private readonly long _begun = TimeProvider.System.GetTimestamp();
    private RoleProcess? _application;

    public static string DatabaseName => "app.db";

    public string Folder => folder;

    public string Database => Path.Combine(folder, DatabaseName);

    /// <summary>Under which name the application opens it.</summary>
    public string OpenedAs => otherName == OtherName.None ? Database : Path.Combine(folder, "elsewhere", DatabaseName);

    public ICompanion Companion => companion;

    public bool IsApplicationRunning => _application is { HasExited: false };

    /// <summary>What happened, line by line.</summary>
    public string Protocol => string.Join('\n', _protocol);

    /// <summary>Somebody did to the files what is unsafe with SQLite itself.</summary>
    public bool IsReckless { get; private set; }

    /// <summary>Somebody touched the file beside a WAL that a killed companion had left, as a killed application leaves one.</summary>
    public bool MetAbandonedWal { get; private set; }

    /// <summary>
    /// Whenever somebody touched the files, no connection had anything that was not in the database file, and no process that was killed
    /// later could leave it behind: what the companion can do to be out of the way it had done.
    /// </summary>
    public bool WasOutOfTheWay => _isTouchedWhileGone || (_isTouchedWhileCopied && !_hasCompanionEndedSince);

    private bool _isTouchedWhileGone = true;
    private bool _isTouchedWhileCopied = true;
    private bool _isTouched;
    private bool _hasCompanionEndedSince;

    /// <summary>Makes the folder with the database that every script begins with.</summary>
    public void Build()
    {
        Directory.CreateDirectory(folder);
        new FileInfo(Path.Combine(prepared, "base.db")).CopyTo(Database);
        if (otherName != OtherName.None)
        {
            Directory.CreateDirectory(Path.GetDirectoryName(OpenedAs)!);
        }
    }

    public async Task StartApplicationAsync(CancellationToken cancellationToken)
    {
        if (IsApplicationRunning)
        {
            return;
        }

        _application?.Dispose();
        string[] arguments = ["application", OpenedAs, pageSize.ToString(CultureInfo.InvariantCulture)];
        _application = otherName switch
        {
            OtherName.BindMount => RoleProcess.Start(
                "application",
                "unshare",
                [
                    "--mount", "sh", "-c", "touch \"$2\" && mount --bind \"$0\" \"$2\" && exec \"$1\" application \"$2\" \"$3\"",
                    Database, RoleProcess.RolesProgram, .. arguments[1..],
                ]),
            _ => RoleProcess.StartRole(arguments),
        };
        Note("start", await _application.WaitForAnswerAsync(cancellationToken));
        await AskAsync($"sql {PreparedDatabases.Table}", cancellationToken);
    }

    public async Task StopApplicationAsync(CancellationToken cancellationToken)
    {
        await AskAsync("stop", cancellationToken);
        if (_application is not null && IsApplicationRunning)
        {
            await _application.WaitForExitAsync(cancellationToken);
        }
    }

    public async Task CrashApplicationAsync()
    {
        if (_application is not null && IsApplicationRunning)
        {
            await _application.KillAsync();
        }
    }

    /// <summary>Gives the application a command.</summary>
    public async Task<string> AskAsync(string command, CancellationToken cancellationToken)
    {
        var line = command.Replace("$P", prepared, StringComparison.Ordinal);
        var answer = _application is not null && IsApplicationRunning ? await _application.AskAsync(line, cancellationToken) : null;
        Note(command, answer);
        return answer ?? "does not run";
    }

    /// <summary>Does something to the files.</summary>
    public async Task TouchAsync(FileTouch touch, string line, CancellationToken cancellationToken)
    {
        var state = WalStates.Look(Database, companion.IsRunning);
        IsReckless |= IsApplicationRunning || (touch == FileTouch.Part && state == WalState.Pending);
        MetAbandonedWal |= touch == FileTouch.Part && state == WalState.Pending && !companion.IsRunning;
        _isTouchedWhileGone &= state == WalState.Gone;
        _isTouchedWhileCopied &= state != WalState.Pending;
        _isTouched = true;
        var variables = new Dictionary<string, string> { ["P"] = prepared, ["TIDEMARK"] = Replication.Program };
        var (code, words) = await Shell.RunAsync(line, folder, variables, cancellationToken);
        Note($"{line}   # {state}", string.Create(CultureInfo.InvariantCulture, $"{code} {words}"));
    }

    /// <summary>Waits until the WAL is in the file, or for so many looks.</summary>
    public async Task SettleAsync(int looks, CancellationToken cancellationToken)
    {
        while (companion.IsRunning && looks-- > 0 && WalStates.Look(Database, companion.IsRunning) == WalState.Pending)
        {
            await Task.Delay(s_look, TimeProvider.System, cancellationToken);
        }

        Note("settle", $"{WalStates.Look(Database, companion.IsRunning)}");
    }

    public Task StartCompanionAsync(CancellationToken cancellationToken)
    {
        Note("companion starts", null);
        return companion.StartAsync(cancellationToken);
    }

    public async Task StopCompanionAsync(CancellationToken cancellationToken)
    {
        _hasCompanionEndedSince |= _isTouched;
        await companion.StopAsync(cancellationToken);
        Note("companion stops", null);
    }

    public async Task KillCompanionAsync()
    {
        _hasCompanionEndedSince |= _isTouched;
        await companion.KillAsync();
        Note("companion is killed", null);
    }

    /// <summary>Ends everything, whatever happened.</summary>
    public async Task EndAsync()
    {
        await CrashApplicationAsync();
        await companion.KillAsync();
    }

    public void Dispose()
    {
        _application?.Dispose();
        companion.Dispose();
    }

    private void Note(string what, string? answer)
    {
        var elapsed = TimeProvider.System.GetElapsedTime(_begun);
        var outcome = answer is null ? "" : $" → {answer}";
        _protocol.Add(string.Create(CultureInfo.InvariantCulture, $"{elapsed.TotalSeconds,7:0.000} {what}{outcome}"));
    }
}
