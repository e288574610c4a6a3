using Tidemark.Cli.Arguments;
using Tidemark.Cli.Configuration;
using Tidemark.Formats;
using Tidemark.Replicas.Files;
using Tidemark.Replicas.Stores;

namespace Tidemark.Cli.Commands;

/// <summary>Where the backups of one database lie, named by a URL or by the database's path in the configuration file.</summary>
/// <param name="DatabasePath">Absolute; null when a URL was given.</param>
/// <param name="Stores">At least one, in the order of the configuration file.</param>
internal sealed record ReplicaSource(string? DatabasePath, IReadOnlyList<IReplicaStore> Stores)
{
    /// <summary>The spool of the database; null for the default, or when a URL was given.</summary>
    public string? SpoolPath { get; init; }

    /// <summary>Whether an argument is the URL of a replica; <c>sqlite://</c> begins the path of a database.</summary>
    public static bool IsUrl(string argument) => StoreUrl.IsUrl(argument) && !argument.StartsWith("sqlite", StringComparison.Ordinal);

    /// <summary>Finds the replicas that an argument means.</summary>
    /// <exception cref="UsageException">A URL and a configuration file were both given.</exception>
    /// <exception cref="TidemarkException">The configuration does not have the database, or the URL is wrong.</exception>
    public static ReplicaSource Resolve(string argument, ConfigFlags config, CommandHost host)
    {
        if (IsUrl(argument))
        {
            return config.IsGiven
                ? throw new UsageException("cannot specify a replica URL and the -config flag", "leave one of the two out")
                : new ReplicaSource(null, [ReplicaStores.Open(argument, host.Files, host.Time)]);
        }

        var path = PathExpansion.Expand(argument, host.Variable);
        if (host.Files.DirectoryExists(path))
        {
            throw new ConfigException($"{argument} is a folder, not a database", $"Write {new LocalStore(path, host.Files).Name} for the replica in it.");
        }

        var database = config.Read(host).Databases.FirstOrDefault(database => database.Path == path)
            ?? throw new ConfigException($"database not found in config: {path}", "Add it to dbs, or give the URL of its replica: file:///PATH.");
        return new ReplicaSource(path, Open(database, host)) { SpoolPath = database.MetaPath };
    }

    /// <summary>Opens every destination of a database. What is written there gets the rights of the database.</summary>
    public static IReadOnlyList<IReplicaStore> Open(DatabaseConfig database, CommandHost host)
    {
        var files = new AlikeFileSystem(host.Files, database.Path);
        return [.. database.Replicas.Select(replica =>
            replica.Folder is { } folder ? new LocalStore(folder, files) : ReplicaStores.Open(replica.Url!, files, host.Time))];
    }

    /// <summary>The kind of a store, as JSON shows it.</summary>
    public static string KindOf(IReplicaStore store)
        => store.Name.IndexOf("://", StringComparison.Ordinal) is var end && end > 0 ? store.Name[..end] : store.Name;
}
