using System.Globalization;
using System.Text.RegularExpressions;
using Tidemark.Formats;

namespace Tidemark.Replication.Databases;

/// <summary>Lets SQLite check a database file that nobody else uses.</summary>
/// <remarks>
/// <para>SQLite cannot check what needs a collation, a function, a tokenizer or a module that only the application has, and then checks
/// nothing at all. That is no damage. So each table is checked for itself, and the structure of the whole file with stand-ins: no key is
/// compared and no function is called for it. What is left is told.</para>
/// <para>Nothing that the schema says is run beyond what the checks need; see <see cref="UntrustedDatabase"/>.</para>
/// </remarks>
public static partial class IntegrityCheck
{
    private const string Unexplained = "SQL logic error";

    /// <summary>Runs the check. The file is not changed, and no file is left beside it.</summary>
    /// <param name="path">The file.</param>
    /// <param name="kind">How thorough the check is.</param>
    /// <param name="name">How errors call the database; its path when null.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <returns>What could not be checked here, with the reason, in the words of SQLite: <c>table t (no such collation sequence:
    /// german)</c>. Empty when everything was checked.</returns>
    /// <exception cref="TidemarkException">The check found something, or the file is no database.</exception>
    public static IReadOnlyList<string> Run(
        string path, IntegrityCheckKind kind, string? name = null, CancellationToken cancellationToken = default)
    {
        name ??= path;
        var pragma = kind == IntegrityCheckKind.Quick ? "quick_check" : "integrity_check";
        using var database = UntrustedDatabase.Open(path, name);
        if (TryCheck(database, pragma, "1", name, cancellationToken) is null)
        {
            // What has an unknown module was left out without a word.
            return [.. UncheckedTables(database, "sql LIKE 'create virtual%'", table => FindMissing(database, table), cancellationToken)];
        }

        string? Look(string table)
            => (TryCheck(database, pragma, Quote(table), name, cancellationToken) ?? FindMissing(database, table)) is { } missing
                ? Explain(database, table, missing)
                : null;

        string[] left = [.. UncheckedTables(database, "true", Look, cancellationToken)];
        return CheckStructure(path, name, cancellationToken) is { } missing ? [.. left, $"the structure of the pages ({missing})"] : left;
    }

    /// <summary>The tables for which a look tells what is missing.</summary>
    private static IEnumerable<string> UncheckedTables(
        UntrustedDatabase database, string where, Func<string, string?> look, CancellationToken cancellationToken)
    {
        var tables = database.TryQuery(
            $"SELECT name FROM sqlite_schema WHERE type='table' AND {where} ORDER BY rowid", out var unreadable, cancellationToken);
        if (unreadable is not null)
        {
            yield return $"all tables ({unreadable})";
        }

        foreach (var table in tables)
        {
            if (look(table) is { } missing)
            {
                yield return $"table {table} ({missing}{NamesOf(IndexesThatNeed(database, table, missing))})";
            }
        }
    }

    /// <summary>Makes SQLite look up everything that a virtual table needs.</summary>
    /// <returns>What is missing, or null.</returns>
    private static string? FindMissing(UntrustedDatabase database, string table)
    {
        _ = database.TryQuery($"PRAGMA table_xinfo({Quote(table)})", out var missing);
        return missing;
    }

    /// <summary>Full-text tables load their tokenizer when something is searched for, and tell only then which one it is.</summary>
    private static string Explain(UntrustedDatabase database, string table, string missing)
    {
        if (missing != Unexplained)
        {
            return missing;
        }

        var name = $"\"{table.Replace("\"", "\"\"", StringComparison.Ordinal)}\"";
        _ = database.TryQuery($"SELECT 1 FROM {name} WHERE {name} MATCH 'x' LIMIT 1", out var reason);
        return reason ?? missing;
    }

    /// <summary>Runs one of the two checks.</summary>
    /// <returns>What is missing, or null when it ran and found nothing.</returns>
    private static string? TryCheck(
        UntrustedDatabase database, string pragma, string argument, string name, CancellationToken cancellationToken)
    {
        var findings = database.TryQuery($"PRAGMA {pragma}({argument})", out var missing, cancellationToken);
        return missing is not null || findings is ["ok"] ? missing : throw Damaged(name, pragma, findings);
    }

    /// <summary>Checks all pages of the file and the form of all rows, with stand-ins for what is missing.</summary>
    /// <returns>What is missing nevertheless, or null.</returns>
    private static string? CheckStructure(string path, string name, CancellationToken cancellationToken)
    {
        using var database = UntrustedDatabase.Open(path, name);
        database.DropModules();
        _ = database.TryQuery("PRAGMA ignore_check_constraints=ON", out _, cancellationToken);
        for (var known = new HashSet<string>(StringComparer.Ordinal); ;)
        {
            var findings = database.TryQuery("PRAGMA quick_check(1)", out var missing, cancellationToken);
            if (missing is null)
            {
                // What a stand-in has compared may be in another order by right.
                return findings is ["ok"] ? null
                    : database.HasUsedStandIns && findings is [var finding, ..] ? finding
                    : throw Damaged(name, "quick_check", findings);
            }

            if (!known.Add(missing))
            {
                return missing;
            }

            if (Collation().Match(missing) is { Success: true } collation)
            {
                database.AddCollation(collation.Groups[1].Value);
            }
            else if (Function().Match(missing) is { Success: true } function)
            {
                database.AddFunction(function.Groups[1].Value);
            }
            else
            {
                return missing;
            }
        }
    }

    private static IReadOnlyList<string> IndexesThatNeed(UntrustedDatabase database, string table, string missing)
        => Collation().Match(missing) is { Success: true } collation
            ? database.TryQuery(
                $"SELECT DISTINCT i.name FROM pragma_index_list({Quote(table)}) AS i, pragma_index_xinfo(i.name) AS c "
                + $"WHERE c.coll = {Quote(collation.Groups[1].Value)} COLLATE NOCASE",
                out _)
            : [];

    private static string NamesOf(IReadOnlyList<string> indexes) => indexes.Count == 0 ? "" : $", for index {string.Join(", ", indexes)}";

    private static string Quote(string text) => $"'{text.Replace("'", "''", StringComparison.Ordinal)}'";

    private static TidemarkException Damaged(string name, string pragma, IReadOnlyList<string> findings) => new(
        string.Create(CultureInfo.InvariantCulture, $"{name}: the {pragma} found: {(findings is [var first, ..] ? first : "nothing, and did not say ok")}"),
        "Restore another TXID or another replica.");

    // The messages of SQLite's parser; they have not changed since there are these pragmas.
    [GeneratedRegex(@"\Ano such collation sequence: (.+)\z", RegexOptions.CultureInvariant)]
    private static partial Regex Collation();

    [GeneratedRegex(@"\A(?:no such function: |unknown function: )(.+?)(?:\(\))?\z", RegexOptions.CultureInvariant)]
    private static partial Regex Function();
}
