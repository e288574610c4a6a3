using System.Text;
using Tidemark.Cli.Arguments;
using Tidemark.Cli.Logging;
using Tidemark.Replicas.Catalog;
using Tidemark.Replicas.Files;
using Tidemark.Replicas.Stores;
using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace Tidemark.Cli.Configuration;

/// <summary>Reads configuration files. A wrong file is reported whole, not up to its first fault.</summary>
internal sealed class ConfigReader(IFileSystem files, Func<string, string?> variable)
{
    private const int FileBytesMax = 16 * 1024 * 1024;
    private const string EmptyValue = "is empty; a variable in it may not be set";
    private static readonly string[] s_places = ["url", "path"];
    private static readonly TimeSpan s_syncIntervalDefault = TimeSpan.FromSeconds(1);

    /// <summary>Reads a file.</summary>
    /// <exception cref="ConfigException">It is missing or wrong.</exception>
    public TidemarkConfig Read(string path, bool expandsEnvironment)
    {
        var text = ReadText(path);
        return Parse(expandsEnvironment ? EnvironmentExpansion.Expand(text, variable) : text, path);
    }

    /// <summary>Reads the text of a file.</summary>
    /// <exception cref="ConfigException">It is wrong.</exception>
    public TidemarkConfig Parse(string text, string path)
    {
        var problems = new ConfigProblems(path);
        var config = ParseDocument(text, path, problems) is { } root ? Parse(new ConfigSection(root, "", problems)) : new TidemarkConfig();
        problems.ThrowIfAny();
        return config with { Warnings = problems.Warnings };
    }

    private static YamlMappingNode? ParseDocument(string text, string path, ConfigProblems problems)
    {
        try
        {
            var stream = new YamlStream();
            stream.Load(new StringReader(text));
            switch (stream.Documents.Count > 0 ? stream.Documents[0].RootNode : null)
            {
                case YamlMappingNode mapping:
                    return mapping;
                case null or YamlScalarNode { Value: null or "" }:
                    return null;
                case var other:
                    problems.Error(other.Start.Line, "(whole file)", "must be keys and values");
                    return null;
            }
        }
        catch (YamlException e)
        {
            throw new ConfigException($"{path}:{e.Start.Line}: {e.Message}", null, e);
        }
    }

    private TidemarkConfig Parse(ConfigSection file)
    {
        var syncInterval = file.PositiveDuration("sync-interval") ?? s_syncIntervalDefault;
        var snapshot = ParseSnapshot(file, new SnapshotConfig());
        var auditInterval = file.Value("audit-interval", NotNegative) ?? DatabaseConfig.AuditIntervalDefault;
        RefuseEncryption(file);
        var places = new TakenPlaces();
        var initial = new TidemarkConfig();
        var config = initial with
        {
            Logging = file.Section("logging") is { } logging ? ParseLogging(logging) : initial.Logging,
            Exec = file.Text("exec"),
            ShutdownSyncTimeout = file.Value("shutdown-sync-timeout", NotNegative) ?? initial.ShutdownSyncTimeout,
            ShutdownSyncInterval = file.PositiveDuration("shutdown-sync-interval") ?? initial.ShutdownSyncInterval,
            CompactionIntervals = ParseLevels(file) ?? initial.CompactionIntervals,
            L0Retention = file.Value("l0-retention", NotNegative) ?? initial.L0Retention,
            L0RetentionCheckInterval = file.PositiveDuration("l0-retention-check-interval") ?? initial.L0RetentionCheckInterval,
            IsRetentionEnabled = ParseIsRetentionEnabled(file) ?? initial.IsRetentionEnabled,
            Databases = [.. file.List("dbs")
                .Select(section => ParseDatabase(section, syncInterval, snapshot, auditInterval, places)).OfType<DatabaseConfig>()],
        };
        file.Finish(LaterKeys.OfFile);
        return config;
    }

    /// <summary>Intervals from level 1 on; null when the file does not name the key. Without a value there are no levels.</summary>
    private static List<TimeSpan>? ParseLevels(ConfigSection file)
    {
        if (!file.Names("levels"))
        {
            return null;
        }

        var levels = file.List("levels");
        var intervalsMax = Level.Snapshots.Value - 1;
        if (levels.Count > intervalsMax)
        {
            file.Error("levels", $"must be at most {intervalsMax}");
        }

        List<TimeSpan> intervals = [.. levels.Select(ParseLevel)];
        for (var index = 1; index < intervals.Count; index++)
        {
            // Zero stands for one that is wrong, which is reported already.
            if (intervals[index] > TimeSpan.Zero && intervals[index] <= intervals[index - 1])
            {
                levels[index].Warning("interval", "is not longer than that of the level below");
            }
        }

        return intervals;
    }

    private static TimeSpan ParseLevel(ConfigSection section)
    {
        if (!section.Has("interval"))
        {
            section.Error("interval", "must say how often the level is made");
        }

        var interval = section.PositiveDuration("interval") ?? TimeSpan.Zero;
        section.Finish(LaterKeys.None);
        return interval;
    }

    private static SnapshotConfig ParseSnapshot(ConfigSection parent, SnapshotConfig initial)
    {
        if (parent.Section("snapshot") is not { } section)
        {
            return initial;
        }

        var snapshot = new SnapshotConfig
        {
            Interval = section.PositiveDuration("interval") ?? initial.Interval,
            Retention = section.PositiveDuration("retention") ?? initial.Retention,
        };
        section.Finish(LaterKeys.None);
        return snapshot;
    }

    private static bool? ParseIsRetentionEnabled(ConfigSection file)
    {
        var section = file.Section("retention");
        var isEnabled = section?.Value("enabled", YamlScalar.Boolean);
        section?.Finish(LaterKeys.None);
        return isEnabled;
    }

    private static LoggingConfig ParseLogging(ConfigSection section)
    {
        var logging = new LoggingConfig
        {
            Level = section.Value("level", text => LogLevelName.TryParse(text, out var level)
                ? level
                : throw new FormatException("must be trace, debug, info, warn or error")),
            Format = section.Value("type", text => text switch
            {
                "" or "text" => LogFormat.Text,
                "json" => LogFormat.Json,
                _ => throw new FormatException("must be text or json"),
            }) ?? LogFormat.Text,
            IsToStandardError = section.Value("stderr", YamlScalar.Boolean) ?? false,
        };
        section.Finish(LaterKeys.OfLogging);
        return logging;
    }

    private DatabaseConfig? ParseDatabase(
        ConfigSection section, TimeSpan syncInterval, SnapshotConfig snapshot, TimeSpan auditInterval, TakenPlaces places)
    {
        section.Refuse("folders of databases are not supported yet, so these would not be replicated; list each database by its path",
            "dir", "pattern", "recursive", "watch", "meta-dir");
        var path = section.Text("path");
        if (path is null && !section.Has("dir"))
        {
            section.Error("path", section.Names("path") ? EmptyValue : "must name the database file");
        }

        var initial = new DatabaseConfig { Path = "", Replicas = [] };
        var database = initial with
        {
            Path = path is null ? "" : PathExpansion.Expand(path, variable),
            MetaPath = section.Text("meta-path") is { } metaPath ? PathExpansion.Expand(metaPath, variable) : null,
            MonitorInterval = section.PositiveDuration("monitor-interval") ?? initial.MonitorInterval,
            CheckpointInterval = section.Duration("checkpoint-interval") ?? initial.CheckpointInterval,
            BusyTimeout = section.Value("busy-timeout", NotNegative) ?? initial.BusyTimeout,
            MinCheckpointPageCount = (int?)section.Value("min-checkpoint-page-count", text => Within(text, 1, int.MaxValue))
                ?? initial.MinCheckpointPageCount,
            MaxSyncWalBytes = section.Value("max-sync-wal-bytes", text => Within(text, 0, long.MaxValue)) ?? initial.MaxSyncWalBytes,
            MaxSpoolBytes = section.Value("max-spool-bytes", text => Within(text, 0, long.MaxValue)) ?? initial.MaxSpoolBytes,
            Snapshot = ParseSnapshot(section, snapshot),
            ClaimCheckInterval = section.PositiveDuration("claim-check-interval") ?? initial.ClaimCheckInterval,
            AuditInterval = section.Value("audit-interval", NotNegative) ?? auditInterval,
            IsRestoredIfMissing = section.Value("restore-if-db-not-exists", YamlScalar.Boolean) ?? false,
            Replicas = ParseReplicas(section, syncInterval, places),
        };
        section.Finish(LaterKeys.OfDatabase);
        if (path is not null && places.TakeDatabase(database.Path) is { } problem)
        {
            section.Error("path", problem);
        }

        return path is null ? null : database;
    }

    private List<ReplicaConfig> ParseReplicas(ConfigSection database, TimeSpan syncInterval, TakenPlaces places)
    {
        var sections = database.List("replicas");
        if (database.Section("replica") is { } single)
        {
            if (sections.Count > 0)
            {
                database.Error("replica", "stands beside replicas; use one of the two");
            }

            sections = [single];
        }

        if (sections.Count == 0 && !database.Has("dir"))
        {
            database.Error("replica", "must say where the database is replicated to");
        }

        return [.. sections.Select(section => ParseReplica(section, syncInterval, places)).OfType<ReplicaConfig>()];
    }

    private ReplicaConfig? ParseReplica(ConfigSection section, TimeSpan syncInterval, TakenPlaces places)
    {
        RefuseEncryption(section);
        var (type, url, path) = (section.Text("type"), section.Text("url"), section.Text("path"));
        syncInterval = section.PositiveDuration("sync-interval") ?? syncInterval;
        section.Skip("name");
        section.Finish(LaterKeys.OfReplica);
        if (url is not null)
        {
            if (path is not null)
            {
                section.Error("path", "stands beside url; use one of the two");
            }

            if (FolderOf(url, section) is { } named)
            {
                Take(named, "url", section, places);
            }

            return new ReplicaConfig { Url = url, SyncInterval = syncInterval };
        }

        if (type is not (null or "file"))
        {
            section.Error("type", $"\"{type}\" is not supported yet; file is");
            return null;
        }

        if (path is null)
        {
            var named = s_places.FirstOrDefault(section.Names);
            section.Error(named ?? s_places[0], named is null ? "must say where the replica is, or path must" : EmptyValue);
            return null;
        }

        if (path.Contains("://", StringComparison.Ordinal))
        {
            section.Error("path", "is a URL; use the key url for it");
            return null;
        }

        var folder = PathExpansion.Expand(path, variable);
        if (Path.GetDirectoryName(folder) is null)
        {
            section.Error("path", "is the root of the file system; name a folder for this replica alone");
            return null;
        }

        Take(folder, "path", section, places);
        return new ReplicaConfig { Folder = folder, SyncInterval = syncInterval };
    }

    private static string? FolderOf(string url, ConfigSection replica)
    {
        try
        {
            return StoreUrl.Parse(url).Path;
        }
        catch (StoreUrlException e)
        {
            replica.Error("url", $"{e.Message} {e.Hint}");
            return null;
        }
    }

    private static void Take(string folder, string key, ConfigSection replica, TakenPlaces places)
    {
        if (places.TakeDestination(folder) is { } problem)
        {
            replica.Error(key, problem);
        }
    }

    // Silently written in the clear is the one thing that somebody who asks for encryption must never get.
    private static void RefuseEncryption(ConfigSection section)
        => section.Refuse("encryption is not supported: the replica would be written unencrypted; remove the key if that is what you want",
            "age");

    private static TimeSpan NotNegative(string text)
        => GoDuration.Parse(text) is var duration && duration >= TimeSpan.Zero ? duration
            : throw new FormatException("must not be negative");

    private static long Within(string text, long min, long max)
        => YamlScalar.Integer(text) is var value && value >= min && value <= max ? value
            : throw new FormatException($"must be from {min} to {max}");

    private string ReadText(string path)
    {
        if (files.DirectoryExists(path))
        {
            throw new ConfigException($"config file is a folder: {path}", "Name the file in it.");
        }

        if (!files.FileExists(path))
        {
            throw new ConfigException($"config file not found: {path}",
                "Name one with -config, or give the database and its replica URL as arguments.");
        }

        using var file = Open(path);
        if (file.Length > FileBytesMax)
        {
            throw new ConfigException($"{path}: is larger than any configuration file ({file.Length} bytes)");
        }

        var bytes = new byte[file.Length];
        return Encoding.UTF8.GetString(bytes.AsSpan(0, file.Read(0, bytes)));
    }

    private IFile Open(string path)
    {
        try
        {
            return files.Open(path, FileMode.Open, FileAccess.Read);
        }
        catch (UnauthorizedAccessException e)
        {
            throw new ConfigException($"cannot read config file: {path}", "Give the user that runs Tidemark the right to read it.", e);
        }
    }
}
