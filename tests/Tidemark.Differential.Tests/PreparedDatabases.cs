using System.Globalization;
using Tidemark.Testing;
using Tidemark.Testing.Processes;
using Xunit;

[assembly: AssemblyFixture(typeof(Tidemark.Differential.Tests.PreparedDatabases))]

namespace Tidemark.Differential.Tests;

/// <summary>
/// The databases that scripts begin with and put in the place of the one that is replicated, made once for each page size by an
/// application that knows nothing of Tidemark.
/// </summary>
/// <remarks>
/// All have the table that applications write to. <c>base.db</c> is what a script begins with, <c>twin.db</c> has as many pages,
/// <c>large.db</c> more, <c>small.db</c> fewer, <c>sized.db</c> pages of another size, <c>rollback.db</c> has never been in WAL mode, and
/// <c>replica</c> is a replica of <c>large.db</c>.
/// </remarks>
public sealed class PreparedDatabases : IDisposable
{
    public const string Table = "CREATE TABLE IF NOT EXISTS t(id INTEGER PRIMARY KEY, data)";
    private const int OtherPageSize = 2048;

    private readonly TemporaryFolder _folder = new();
    private readonly Dictionary<int, Lazy<Task<string>>> _folders;

    public PreparedDatabases()
        => _folders = PageSizes.ToDictionary(size => size, size => new Lazy<Task<string>>(() => MakeAsync(size)));

    /// <summary>The sizes that there are.</summary>
    public static IReadOnlyList<int> PageSizes { get; } = [4096, 1024];

    /// <summary>The folder with those of one page size.</summary>
    public Task<string> FolderAsync(int pageSize) => _folders[pageSize].Value;

    /// <summary>Rows that depend on a label and nothing else.</summary>
    public static string Insert(string label, int rows, int halfBytes)
        => $"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {rows}) "
            + $"INSERT INTO t(data) SELECT printf('%s.%06d ', '{label}', i) || hex(zeroblob({halfBytes})) FROM n";

    public void Dispose()
    {
        _folder.Dispose();
        if (!Directory.EnumerateFileSystemEntries(Settings.Folder).Any())
        {
            Directory.Delete(Settings.Folder); // No script has failed.
        }
    }

    private async Task<string> MakeAsync(int pageSize)
    {
        var folder = _folder[pageSize.ToString(CultureInfo.InvariantCulture)];
        Directory.CreateDirectory(folder);
        var rows = pageSize / 32;
        await MakeAsync(folder, "base", pageSize, [Insert("base", rows, 200)]);
        await MakeAsync(folder, "twin", pageSize, [Insert("twin", rows, 200)]);
        await MakeAsync(folder, "large", pageSize, [Insert("large", rows * 4, 200)]);
        await MakeAsync(folder, "small", pageSize, [Insert("small", 2, 20)]);
        await MakeAsync(folder, "sized", OtherPageSize, [Insert("sized", rows, 200)]);
        await MakeAsync(folder, "rollback", pageSize, [Insert("rollback", rows / 2, 200), "PRAGMA journal_mode=delete"]);
        await ReplicateAsync(folder);
        return folder;
    }

    private static async Task MakeAsync(string folder, string name, int pageSize, IReadOnlyList<string> statements)
    {
        using var application = RoleProcess.StartRole(
            "application", Path.Combine(folder, $"{name}.db"), pageSize.ToString(CultureInfo.InvariantCulture));
        foreach (var command in (string[])["", $"sql {Table}", .. statements.Select(sql => $"sql {sql}"), "stop"])
        {
            var answer = command.Length == 0
                ? await application.WaitForAnswerAsync(CancellationToken.None)
                : await application.AskAsync(command, CancellationToken.None);
            if (answer is null || !answer.StartsWith("ok", StringComparison.Ordinal))
            {
                throw new InvalidOperationException($"{name}: {command}: {answer}");
            }
        }

        await application.WaitForExitAsync(CancellationToken.None);
    }

    private static async Task ReplicateAsync(string folder)
    {
        new FileInfo(Path.Combine(folder, "large.db")).CopyTo(Path.Combine(folder, "replicated.db"));
        using var program = RoleProcess.Start(
            "once",
            Replication.Program,
            ["replicate", "-once", Path.Combine(folder, "replicated.db"), $"file://{Path.Combine(folder, "replica")}"]);
        if (await program.WaitForExitAsync(CancellationToken.None) != 0)
        {
            throw new InvalidOperationException(program.Words);
        }
    }
}
