using Tidemark.Cli.Arguments;
using Tidemark.Cli.Configuration;
using Tidemark.Formats;
using Tidemark.Replicas.Files;
using Tidemark.Replicas.Stores;

namespace Tidemark.Cli.Commands;

/// <summary>Where the backups of one database lie, named by a URL, a folder, or the database's path in the configuration file.</summary>
/// <param name="DatabasePath">Absolute; null when a replica was given.</param>
/// <param name="Stores">At least one, in the order of the configuration file.</param>
/// <param name="Warnings">Why it may not be what is meant.</param>
internal sealed record ReplicaSource(string? DatabasePath, IReadOnlyList<IReplicaStore> Stores, IReadOnlyList<string> Warnings)
{
    /// <summary>The spool of the database; null for the default, or when a URL was given.</summary>
    public string? SpoolPath { get; init; }

    /// <summary>Whether an argument is the URL of a replica; <c>sqlite://</c> begins the path of a database.</summary>
    public static bool IsUrl(string argument) => StoreUrl.IsUrl(argument) && !IsDatabaseUrl(argument);

    /// <summary>Whether an argument is a replica without a doubt: its URL, or a folder.</summary>
    public static bool IsReplica(string argument, CommandHost host)
        => IsUrl(argument) || host.Files.DirectoryExists(PathExpansion.Expand(argument, host.Variable));

    /// <summary>Finds the replicas that an argument means: of a URL or a folder, the one there; of any other path, those of the database
    /// that the configuration file has under it.</summary>
    /// <param name="argument">From the command line.</param>
    /// <param name="config">The configuration file.</param>
    /// <param name="host">The world.</param>
    /// <param name="isDatabase">Whether only a database of the configuration file will do.</param>
    /// <exception cref="UsageException">A replica and a configuration file were both given.</exception>
    /// <exception cref="TidemarkException">The configuration does not have the database, or the URL is wrong.</exception>
    public static ReplicaSource Resolve(string argument, ConfigFlags config, CommandHost host, bool isDatabase = false)
    {
        if (IsReplica(argument, host))
        {
            return config.IsGiven
                ? throw new UsageException("cannot specify a replica URL and the -config flag", "leave one of the two out")
                : OfReplica(argument, host);
        }

        var path = PathExpansion.Expand(argument, host.Variable);
        var read = config.TryRead(host);
        if (read?.Databases.FirstOrDefault(database => database.Path == path) is { } database)
        {
            return new ReplicaSource(path, Open(database, host), read.Doubts) { SpoolPath = database.MetaPath };
        }

        if (isDatabase || config.IsGiven || IsDatabaseUrl(argument) || host.Files.FileExists(path))
        {
            throw new ConfigException(
                string.Join('\n', [$"database not found in config: {path}", .. read?.Doubts.Select(doubt => $"Warning: {doubt}") ?? []]),
                "Add it to dbs, name the configuration file with -config, or give the folder or URL of its replica in the place of the "
                + "database.");
        }

        var replica = OfReplica(argument, host);
        return replica with
        {
            Warnings =
            [
                .. read?.Doubts ?? [],
                $"No configuration file has a database {path}: taken for the folder of a replica",
                .. replica.Warnings,
            ],
        };
    }

    /// <summary>Finds the folder that an argument means.</summary>
    /// <exception cref="StoreUrlException">It names none.</exception>
    public static ReplicaPlace Find(string argument, CommandHost host)
        => ReplicaPlace.Find(PathExpansion.OfReplica(argument, host.Variable), host.Files);

    /// <summary>Opens every destination of a database. What is written there may be read by who may read the database.</summary>
    public static IReadOnlyList<IReplicaStore> Open(DatabaseConfig database, CommandHost host)
    {
        var files = new AlikeFileSystem(host.Files, database.Path, Likeness.ReadersOnly);
        return [.. database.Replicas.Select(replica => new LocalStore(replica.Folder, files))];
    }

    /// <summary>The kind of a store, as JSON shows it.</summary>
    public static string KindOf(IReplicaStore store)
        => store.Name.IndexOf("://", StringComparison.Ordinal) is var end && end > 0 ? store.Name[..end] : store.Name;

    /// <summary>Tells the warnings where there is no log.</summary>
    public void TellWarnings(TextWriter error)
    {
        foreach (var warning in Warnings)
        {
            error.WriteLine($"Warning: {warning}");
        }
    }

    private static bool IsDatabaseUrl(string argument)
        => argument.StartsWith("sqlite", StringComparison.Ordinal) && StoreUrl.IsUrl(argument);

    private static ReplicaSource OfReplica(string argument, CommandHost host)
    {
        var place = Find(argument, host);
        return new ReplicaSource(null, [new LocalStore(place.Folder, host.Files)], place.Warnings);
    }
}
