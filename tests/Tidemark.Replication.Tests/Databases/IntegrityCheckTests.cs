using Microsoft.Data.Sqlite;
using Tidemark.Formats;
using Tidemark.Replicas.Files;
using Tidemark.Replication.Databases;
using Tidemark.Testing;
using Tidemark.Testing.Databases;
using Xunit;

namespace Tidemark.Replication.Tests.Databases;

/// <summary>Damage is one thing, and what only the application itself could check another.</summary>
public sealed class IntegrityCheckTests : IDisposable
{
    private const int PageSize = 4096;
    private readonly TemporaryFolder _folder = new();

    public IntegrityCheckTests() => SourceDatabase.Open(_folder["unused.db"]).Dispose(); // Loads SQLite.

    private string Database => _folder["app.db"];

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(IntegrityCheckKind.Quick)]
    [InlineData(IntegrityCheckKind.Full)]
    public void A_whole_database_is_checked_as_a_whole(IntegrityCheckKind kind)
    {
        Create("CREATE TABLE t(a, b COLLATE NOCASE)", "CREATE INDEX i ON t(b)", "CREATE VIRTUAL TABLE f USING fts5(x)", "INSERT INTO f VALUES('a b')");
        Assert.Empty(Run(kind));
    }

    [Theory]
    [InlineData(IntegrityCheckKind.Quick)]
    [InlineData(IntegrityCheckKind.Full)]
    public void A_collation_of_the_application_is_named_and_no_damage(IntegrityCheckKind kind)
    {
        Create("CREATE TABLE it(name TEXT)", "CREATE INDEX names ON it(name COLLATE german)", "INSERT INTO it VALUES('b'), ('a'), ('C')");
        Assert.Equal(["table it (no such collation sequence: german, for index names)"], Run(kind));
    }

    [Theory]
    [InlineData("CREATE TABLE t(a); CREATE INDEX i ON t(folded(a))", "table t (unknown function: folded())")]
    [InlineData("CREATE TABLE t(a); CREATE INDEX i ON t(a) WHERE folded(a) <> 'x'", "table t (unknown function: folded())")]
    [InlineData("CREATE TABLE t(a, b AS (folded(a)) NOT NULL)", "table t (unknown function: folded())")]
    [InlineData("CREATE TABLE t(a, b AS (folded(a)) STORED)", null)] // Nothing of it has to be computed.
    [InlineData("CREATE TABLE t(a COLLATE german, b AS (a), PRIMARY KEY(a)) WITHOUT ROWID",
        "table t (no such collation sequence: german, for index sqlite_autoindex_t_1)")]
    public void A_function_or_collation_of_the_application_is_named_wherever_it_stands(string schema, string? expected)
    {
        Create(schema, "INSERT INTO t(a) VALUES('b'), ('a'), ('C')");
        Assert.Equal(expected is null ? [] : [expected], Run(IntegrityCheckKind.Full));
    }

    [Theory]
    [InlineData("ownmodule", "no such module: ownmodule")]
    [InlineData("fts5(x, tokenize=own)", "no such tokenizer: own")]
    [InlineData("fts3(x, tokenize=own)", "unknown tokenizer: own")]
    public void A_module_or_tokenizer_of_the_application_is_named(string module, string expected)
    {
        Create(
            "CREATE TABLE t(a)",
            "CREATE VIRTUAL TABLE v USING fts5(x)",
            "INSERT INTO v VALUES('some words')",
            "PRAGMA writable_schema=ON",
            $"UPDATE sqlite_schema SET sql = 'CREATE VIRTUAL TABLE v USING {module}' WHERE name = 'v'");
        Assert.Equal([$"table v ({expected})"], Run(IntegrityCheckKind.Full));
    }

    [Fact]
    public void Damage_beside_what_cannot_be_checked_is_found()
    {
        Create(
            "CREATE TABLE own(name TEXT COLLATE german UNIQUE)", "INSERT INTO own VALUES('b'), ('a')",
            "CREATE TABLE t(id INTEGER PRIMARY KEY, a UNIQUE)", "INSERT INTO t VALUES(1, 'x'), (2, 'y'), (3, 'z')",
            "PRAGMA writable_schema=ON",
            "CREATE INDEX i ON t(a) WHERE id < 3",
            "UPDATE sqlite_schema SET sql = 'CREATE INDEX i ON t(a)' WHERE name = 'i'");
        var failure = Assert.Throws<TidemarkException>(() => Run(IntegrityCheckKind.Full));
        Assert.Equal($"{Database}: the integrity_check found: wrong # of entries in index i", failure.Message);
    }

    [Theory]
    [InlineData("CREATE TABLE own(name TEXT COLLATE german UNIQUE, x)")]
    [InlineData("CREATE TABLE own(name TEXT, x); CREATE INDEX i ON own(folded(name))")]
    public void Damaged_pages_of_what_cannot_be_checked_are_found(string schema)
    {
        Create(
            schema,
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i<500) INSERT INTO own SELECT 'name' || i, zeroblob(100) FROM n");
        var bytes = Read();
        var last = (bytes.Length / PageSize) - 1;
        bytes.AsSpan(last * PageSize, 200).Fill(0x5a);
        using (var file = PhysicalFileSystem.Instance.Open(Database, FileMode.Open, FileAccess.ReadWrite))
        {
            file.Write(0, bytes);
        }

        var failure = Assert.ThrowsAny<TidemarkException>(() => Run(IntegrityCheckKind.Full));
        Assert.Contains("the quick_check found", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_table_in_the_order_of_an_unknown_collation_is_no_damage()
    {
        Create(
            "CREATE TABLE own(name TEXT COLLATE german PRIMARY KEY) WITHOUT ROWID",
            "INSERT INTO own VALUES('a'), ('b'), ('c'), ('D'), ('E')");
        Assert.NotEmpty(Run(IntegrityCheckKind.Full));
        Assert.NotEmpty(Run(IntegrityCheckKind.Quick));
    }

    [Fact]
    public void Nothing_is_left_beside_the_database_and_no_byte_of_it_changes()
    {
        Create("CREATE TABLE own(name TEXT COLLATE german UNIQUE)", "PRAGMA journal_mode=wal", "INSERT INTO own VALUES('b'), ('a')");
        var before = Read();
        Assert.NotEmpty(Run(IntegrityCheckKind.Full));
        Assert.Equal(before, Read());
        Assert.Empty(Directory.GetFiles(_folder.Path, "app.db-*"));
    }

    [Theory]
    [InlineData("SELECT * FROM v", "access to view \"v\" prohibited")]
    [InlineData("ATTACH 'other.db' AS other", "too many attached databases - max 0")]
    [InlineData("SELECT load_extension('evil')", "not authorized")]
    public void Nothing_that_a_schema_says_runs(string sql, string refusal)
    {
        Create("CREATE TABLE t(a)", "CREATE VIEW v AS SELECT 1");
        using var database = UntrustedDatabase.Open(Database, Database);
        _ = database.TryQuery(sql, out var missing);
        Assert.Equal(refusal, missing);
        Assert.Equal(["0"], database.TryQuery("PRAGMA trusted_schema", out _));
    }

    [Fact]
    public void A_column_that_would_be_computed_by_an_unsafe_function_is_refused()
    {
        Create(
            "CREATE TABLE t(a, b)", "INSERT INTO t VALUES('evil', 1)", "PRAGMA writable_schema=ON",
            "UPDATE sqlite_schema SET sql = 'CREATE TABLE t(a, b, c AS (load_extension(a)))' WHERE name = 't'");
        var failure = Assert.Throws<DatabaseException>(() => Run(IntegrityCheckKind.Full));
        Assert.Contains("unsafe use of load_extension()", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void The_schema_cannot_be_written_even_when_it_is_asked_for()
    {
        Create("CREATE TABLE t(a)");
        using var database = UntrustedDatabase.Open(Database, Database);
        _ = database.TryQuery("PRAGMA writable_schema=ON", out _);
        _ = database.TryQuery("UPDATE sqlite_schema SET sql = 'CREATE TABLE t(b)'", out var missing);
        Assert.Equal("table sqlite_master may not be modified", missing); // Not only because the file is read-only: defensive.
    }

    private IReadOnlyList<string> Run(IntegrityCheckKind kind)
        => IntegrityCheck.Run(Database, kind, null, TestContext.Current.CancellationToken);

    private byte[] Read()
    {
        using var file = PhysicalFileSystem.Instance.Open(Database, FileMode.Open, FileAccess.Read);
        var bytes = new byte[file.Length];
        Assert.Equal(bytes.Length, file.Read(0, bytes));
        return bytes;
    }

    private void Create(params string[] statements)
    {
        using var connection = new SqliteConnection($"Data Source={Database};Pooling=False");
        connection.Open();
        connection.CreateCollation("german", (one, other) => string.Compare(one, other, StringComparison.OrdinalIgnoreCase));
        connection.CreateFunction("folded", (string text) => text.ToUpperInvariant(), isDeterministic: true);
        foreach (var statement in statements)
        {
            using var command = connection.CreateCommand();
#pragma warning disable CA2100 // Tests write their own SQL.
            command.CommandText = statement;
#pragma warning restore CA2100
            command.ExecuteNonQuery();
        }
    }
}
