using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Tidemark.Replicas.Stores;
using Tidemark.Testing.Databases;

namespace Tidemark.Testing.Peers;

/// <summary>Litestream's extension for SQLite: opens a replica with the original's own decoder and restore plan.</summary>
/// <remarks>
/// <para>Used as a reader of a resting replica in a process of its own, once each. It has a defect, which its own replicas show as
/// well: a database that shrank
/// keeps the size of its largest state, and the integrity check finds pages that are never used. See <see
/// cref="LitestreamView.Content"/>.</para>
/// <para>The extension is taken from where the environment variable
/// TIDEMARK_LITESTREAM_VFS says, or from the packages under <c>artifacts/npm</c> of the repository.</para>
/// </remarks>
public static class LitestreamExtension
{
    private const string Variable = "TIDEMARK_LITESTREAM_VFS";
    private const string Package
        = "artifacts/npm/litestream-vfs-linux-amd64-0.5.17/node_modules/litestream-vfs-linux-amd64/litestream-vfs.so";


    // Debian's own Python: others are often built without loadable extensions.
    private const string Python = "/usr/bin/python3";

    private const string Script =
        """
        import hashlib, sqlite3, sys
        loader = sqlite3.connect(":memory:")
        loader.enable_load_extension(True)
        loader.load_extension(sys.argv[1])
        database = sqlite3.connect("file:replica?vfs=litestream", uri=True)
        def ask(sql): return database.execute(sql).fetchone()[0]
        print(ask("PRAGMA integrity_check").replace("\n", "; "))
        print(ask("PRAGMA page_count"))
        print(ask("SELECT count(*) FROM t"))
        print(hashlib.sha256((ask(sys.argv[2]) or "").encode()).hexdigest())
        """;

    /// <summary>Reads the newest state of a replica.</summary>
    /// <param name="replica">Folder of the replica.</param>
    /// <param name="column">The column of table t whose content counts.</param>
    public static async Task<LitestreamView> ReadAsync(string replica, string column = "data")
    {
        var environment = new Dictionary<string, string> { ["LITESTREAM_REPLICA_URL"] = StoreUrl.ForFolder(replica) };
        var output = await PeerProcess.RunAsync(Python, ["-c", Script, Find(), ContentOf(column)], environment);
        var lines = output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        return new LitestreamView(lines[0], Number(lines[1]), Number(lines[2]), lines[3]);
    }

    /// <summary>What it must read when the replica holds the source's newest state.</summary>
    public static LitestreamView Expect(SourceDatabase source, string column = "data")
    {
        var content = source.Run(ContentOf(column)) as string ?? "";
        return new LitestreamView(
            "ok",
            source.RunLong("PRAGMA page_count"),
            source.RunLong("SELECT count(*) FROM t"),
            Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(content))));
    }

    private static string ContentOf(string column)
        => $"SELECT group_concat(row) FROM (SELECT id || ':' || hex({column}) AS row FROM t ORDER BY id)";

    private static long Number(string text) => long.Parse(text, CultureInfo.InvariantCulture);

    private static string Find()
    {
        var named = Environment.GetEnvironmentVariable(Variable);
        var path = string.IsNullOrEmpty(named) ? Path.Combine(TidemarkShared.RepositoryRoot(), Package) : named;
        return File.Exists(path)
            ? path
            : throw new FileNotFoundException(
                $"Litestream's SQLite extension is missing: there is no {path}. "
                + $"Run ./test, which installs it, or set {Variable} to its path.");
    }
}
