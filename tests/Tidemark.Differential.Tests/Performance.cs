using System.Globalization;
using System.Text;
using Tidemark.Replicas.Files;

namespace Tidemark.Differential.Tests;

/// <summary>
/// Plays one script three times: with the application alone, beside an idle reader, and beside Tidemark. What it is held against: the
/// source is as whole as without Tidemark, and the replica restores to the source, or an error has said that it does not.
/// </summary>
internal sealed class Performance(Script script, string folder, PreparedDatabases databases)
{
    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(3);

    /// <summary>Plays it. The folder goes unless a promise was broken.</summary>
    public async Task<Verdict> RunAsync(CancellationToken cancellationToken)
    {
        if (Directory.Exists(folder))
        {
            Directory.Delete(folder, recursive: true); // It failed before, too.
        }

        Directory.CreateDirectory(folder);
        Write("script.txt", script.ToString());
        var prepared = await databases.FolderAsync(script.PageSize);
        string InFolder(string name) => Path.Combine(folder, name);
        var replication = new Replication(InFolder("tidemark"), Path.Combine(InFolder("tidemark"), Stage.DatabaseName), script.Rhythm);
        using var alone = new Stage(InFolder("alone"), prepared, script.PageSize, script.OtherName, new Nobody());
        var reader = new IdleReader(Path.Combine(InFolder("reader"), Stage.DatabaseName));
        using var beside = new Stage(InFolder("reader"), prepared, script.PageSize, script.OtherName, reader);
        using var with = new Stage(InFolder("tidemark"), prepared, script.PageSize, script.OtherName, replication);
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        patience.CancelAfter(s_patience);
        Verdict verdict;
        try
        {
            var states = await Task.WhenAll(((Stage[])[alone, beside, with]).Select(stage => PlayAsync(stage, patience.Token)));
            verdict = await JudgeAsync(alone, states[0], states[1], with, states[2], replication, patience.Token);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            verdict = new Verdict($"not done after {s_patience.TotalMinutes} minutes", IsSafe: false, Excuse: null);
        }
        finally
        {
            await Task.WhenAll(((Stage[])[alone, beside, with]).Select(stage => stage.EndAsync()));
            Write("alone.txt", alone.Protocol);
            Write("reader.txt", beside.Protocol);
            Write("tidemark.txt", with.Protocol);
            Write("log.txt", replication.Log);
        }

        if (verdict.Failure is null)
        {
            Directory.Delete(folder, recursive: true);
        }
        else
        {
            Write("verdict.txt", verdict.ToString());
        }

        return verdict;
    }

    // Whoever replicates has the last word, so that an end which says that all is there can be held to it.
    private async Task<EndState> PlayAsync(Stage stage, CancellationToken cancellationToken)
    {
        stage.Build();
        if (script.OtherName == OtherName.HardLink)
        {
            var line = $"ln {Stage.DatabaseName} '{stage.OpenedAs}'";
            await Shell.RunAsync(line, stage.Folder, new Dictionary<string, string>(), cancellationToken);
        }

        await stage.StartCompanionAsync(cancellationToken);
        foreach (var action in script.Actions)
        {
            await action.PlayAsync(stage, cancellationToken);
        }

        await stage.StopApplicationAsync(cancellationToken);
        await stage.StartCompanionAsync(cancellationToken);
        await stage.StopCompanionAsync(cancellationToken);
        return Look(stage);
    }

    // Frames beside the name under which the application opens the file are its own.
    private static EndState Look(Stage stage) => EndState.Read(stage.Database, $"{stage.OpenedAs}-wal");

    private async Task<Verdict> JudgeAsync(
        Stage aloneStage, EndState alone, EndState beside, Stage withStage, EndState with, Replication replication,
        CancellationToken cancellationToken)
    {
        var isSafe = script.IsSafe
            || (!aloneStage.IsReckless && !withStage.MetAbandonedWal && alone.IsWhole
                && ((withStage.WasOutOfTheWay && !script.NeedsToBeAlone) || (beside.IsWhole && beside.Rows == alone.Rows)));
        string? failure = null;
        if (isSafe && !alone.IsWhole)
        {
            failure = $"the script is not safe without Tidemark either: {alone.Verdict}";
        }
        else if (isSafe && !with.IsWhole)
        {
            failure = $"SOURCE damaged: {Short(with.Verdict)}; beside an idle reader: {Short(beside.Verdict)}";
        }
        else if (isSafe && with.Rows != alone.Rows)
        {
            failure = $"SOURCE has other rows than without Tidemark; beside an idle reader: {Short(beside.Verdict)}, "
                + (beside.Rows == alone.Rows ? "the same rows as without" : "other rows too");
        }

        // SQLite itself reads a damaged file in one way while it is open and in another afterwards. What counts then is that it was told.
        var told = replication.Log.Split('\n').FirstOrDefault(IsError);
        var (dishonesty, excuse) = !with.Exists ? (null, null)
            : !isSafe && !with.IsWhole && told is not null ? (null, told)
            : await JudgeReplicaAsync(with, replication, withStage, cancellationToken);
        var all = ((string?[])[failure, dishonesty, replication.Crash]).OfType<string>().ToArray();
        return new Verdict(all.Length == 0 ? null : string.Join("; ", all), isSafe, excuse);
    }

    private async Task<(string? Failure, string? Excuse)> JudgeReplicaAsync(
        EndState source, Replication replication, Stage stage, CancellationToken cancellationToken)
    {
        if (replication.ExitCode == 0)
        {
            return (await CompareAsync("REPLICA", source, replication, stage, cancellationToken), null);
        }

        var excuse = replication.Log.Split('\n').LastOrDefault(IsError);
        if (excuse is null)
        {
            return (string.Create(CultureInfo.InvariantCulture, $"exit code {replication.ExitCode} without an error in the log"), null);
        }

        if (script.OtherName == OtherName.HardLink)
        {
            return (null, excuse); // It is refused again.
        }

        // Now that it is quiet, nothing is in the way.
        return await replication.RunOnceAsync(cancellationToken) == 0
            ? (await CompareAsync("REPLICA after -once", Look(stage), replication, stage, cancellationToken), excuse)
            : ($"-once fails when all is quiet: {replication.Log.Split('\n').LastOrDefault(IsError)}", excuse);
    }

    private static bool IsError(string line)
        => line.Contains("level=ERROR", StringComparison.Ordinal) || line.StartsWith("Error: ", StringComparison.Ordinal);

    private async Task<string?> CompareAsync(
        string what, EndState source, Replication replication, Stage stage, CancellationToken cancellationToken)
    {
        var output = Path.Combine(folder, $"restored-{(what.Contains(' ', StringComparison.Ordinal) ? "once" : "end")}.db");
        if (await replication.RestoreAsync(output, cancellationToken) is { } failure)
        {
            return $"{what} reported whole, but it cannot be restored: {failure}";
        }

        // Frames that the application has left beside its own name of the file are not in the database that replication was told of.
        var restored = EndState.Read(output, "");
        return restored.Pages.AsSpan().SequenceEqual(source.Pages)
            || (script.OtherName == OtherName.BindMount
                && restored.Pages.AsSpan().SequenceEqual(EndState.Read(stage.Database, $"{stage.Database}-wal").Pages))
            ? null
            : $"{what} reported whole, but it is not the source: {Difference(source, restored)}";
    }

    private string Difference(EndState source, EndState restored)
    {
        var size = script.PageSize;
        var pages = restored.Pages;
        var different = Enumerable.Range(0, Math.Min(source.Pages.Length, pages.Length) / size)
            .Count(page => !source.Pages.AsSpan(page * size, size).SequenceEqual(pages.AsSpan(page * size, size)));
        return string.Create(
            CultureInfo.InvariantCulture,
            $"{different} pages differ, {pages.Length / size} instead of {source.Pages.Length / size}, "
                + $"{(source.Rows == restored.Rows ? "same rows" : "other rows")}, "
                + $"source {Short(source.Verdict)}, replica {Short(restored.Verdict)}");
    }

    private static string Short(string verdict)
    {
        var line = verdict.Split('\n')[0];
        return line.Length <= 80 ? line : line[..80];
    }

    private void Write(string name, string text)
    {
        using var file = PhysicalFileSystem.Instance.Open(Path.Combine(folder, name), FileMode.Create, FileAccess.ReadWrite);
        file.Write(0, Encoding.UTF8.GetBytes(text));
    }
}
