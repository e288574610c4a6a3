using System.Globalization;

namespace Tidemark.Differential.Tests;

/// <summary>One action of a script: how it reads, and how it is played.</summary>
internal sealed record ScriptAction(string Text, Func<Stage, CancellationToken, Task> PlayAsync)
{
    private const int SettleLooks = 80;

    /// <summary>The application starts, and makes its table if there is none.</summary>
    public static ScriptAction Start { get; } = new("application starts", (stage, cancelled) => stage.StartApplicationAsync(cancelled));

    public static ScriptAction Stop { get; } = new("application stops", (stage, cancelled) => stage.StopApplicationAsync(cancelled));

    public static ScriptAction Crash { get; } = new("application is killed", (stage, _) => stage.CrashApplicationAsync());

    /// <summary>Until everything is in the database file, where somebody else could see to that.</summary>
    public static ScriptAction Settle { get; }
        = new("until the WAL is in the file", (stage, cancelled) => stage.SettleAsync(SettleLooks, cancelled));

    public static ScriptAction StartCompanion { get; }
        = new("companion starts", (stage, cancelled) => stage.StartCompanionAsync(cancelled));

    public static ScriptAction StopCompanion { get; } = new("companion stops", (stage, cancelled) => stage.StopCompanionAsync(cancelled));

    public static ScriptAction KillCompanion { get; } = new("companion is killed", (stage, _) => stage.KillCompanionAsync());

    public static ScriptAction Sql(string statements) => Tell($"sql {statements}");

    public static ScriptAction Insert(string label, int rows, int halfBytes = 150) => Sql(PreparedDatabases.Insert(label, rows, halfBytes));

    /// <summary>A command to the application.</summary>
    public static ScriptAction Tell(string command) => new(command, (stage, cancelled) => stage.AskAsync(command, cancelled));

    /// <summary>What a person types in the folder of the database. <c>$P</c> is the folder of the prepared databases.</summary>
    public static ScriptAction Shell(FileTouch touch, string line)
        => new(line, (stage, cancelled) => stage.TouchAsync(touch, line, cancelled));

    /// <summary>The time between two actions.</summary>
    public static ScriptAction Pause(double seconds)
        => new(
            string.Create(CultureInfo.InvariantCulture, $"{seconds} s"),
            (_, cancelled) => Task.Delay(TimeSpan.FromSeconds(seconds), TimeProvider.System, cancelled));
}
