using Tidemark.Cli.Arguments;
using Tidemark.Cli.Logging;
using Tidemark.Replicas.Catalog;
using Tidemark.Replicas.Files;
using Tidemark.Replicas.Stores;
using Tidemark.Replication;
using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace Tidemark.Cli.Configuration;

/// <summary>Reads configuration files. A wrong file is reported whole, not up to its first fault.</summary>
internal sealed class ConfigReader(IFileSystem files, Func<string, string?> variable)
{
    private const string EmptyValue = "is empty; a variable in it may not be set";
    private static readonly string[] s_places = ["url", "path"];
    private static readonly TimeSpan s_syncIntervalDefault = TimeSpan.FromSeconds(1);

    /// <summary>Reads a file.</summary>
    /// <exception cref="ConfigException">It is missing or wrong.</exception>
    public TidemarkConfig Read(string path, bool expandsEnvironment)
    {
        var text = ConfigFile.Read(path, files);
        return Parse(text, path, expandsEnvironment);
    }

    /// <summary>Reads the text of a file.</summary>
    /// <exception cref="ConfigException">It is wrong.</exception>
    public TidemarkConfig Parse(string text, string path, bool expandsEnvironment = false)
    {
        var problems = new ConfigProblems(path);
        text = expandsEnvironment ? EnvironmentExpansion.Expand(text, variable, problems.Doubt) : text;
        var config = ParseDocument(text, problems) is { } root ? Parse(new ConfigSection(root, "", problems)) : new TidemarkConfig();
        problems.ThrowIfAny();
        return config with { Warnings = problems.Warnings, Doubts = problems.Doubts };
    }

    private static YamlMappingNode? ParseDocument(string text, ConfigProblems problems)
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
            problems.Error(e.Start.Line, e.Message);
            return null;
        }
    }

    private TidemarkConfig Parse(ConfigSection file)
    {
        var syncInterval = file.PositiveDuration("sync-interval") ?? s_syncIntervalDefault;
        var snapshot = ParseSnapshot(file);
        var auditInterval = file.Value("audit-interval", NotNegative) ?? DatabaseConfig.AuditIntervalDefault;
        RefuseEncryption(file);
        var places = new TakenPlaces(files);
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
        file.Finish(LaterKeys.OfFile, FormerKeys.OfFile);
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
        section.Finish(LaterKeys.None, FormerKeys.None);
        return interval;
    }

    private static SnapshotKeys ParseSnapshot(ConfigSection parent)
    {
        if (parent.Section("snapshot") is not { } section)
        {
            return new SnapshotKeys(null, null);
        }

        var snapshot = new SnapshotKeys(section.PositiveDuration("interval"), section.PositiveDuration("retention"));
        section.Finish(LaterKeys.None, FormerKeys.None);
        return snapshot;
    }

    private static bool? ParseIsRetentionEnabled(ConfigSection file)
    {
        var section = file.Section("retention", "; snapshot.retention says how far back a moment can be restored");
        var isEnabled = section?.Value("enabled", YamlScalar.Boolean);
        section?.Finish(LaterKeys.None, FormerKeys.None);
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
        section.Finish(LaterKeys.OfLogging, FormerKeys.None);
        return logging;
    }

    private DatabaseConfig? ParseDatabase(
        ConfigSection section, TimeSpan syncInterval, SnapshotKeys snapshot, TimeSpan auditInterval, TakenPlaces places)
    {
        section.Refuse("folders of databases are not supported yet, so these would not be replicated; list each database by its path",
            "dir", "pattern", "recursive", "watch", "meta-dir");
        var path = section.Text("path");
        if (path is null && !section.Has("dir"))
        {
            section.Error("path", section.Names("path") ? EmptyValue : "must name the database file");
        }

        snapshot = ParseSnapshot(section).Or(snapshot);
        var replicas = ParseReplicas(section, syncInterval, snapshot, places);
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
            Snapshot = snapshot.OrFormer(replicas),
            ClaimCheckInterval = section.PositiveDuration("claim-check-interval") ?? initial.ClaimCheckInterval,
            AuditInterval = section.Value("audit-interval", NotNegative) ?? auditInterval,
            IsRestoredIfMissing = section.Value("restore-if-db-not-exists", YamlScalar.Boolean) ?? false,
            Replicas = replicas,
        };
        section.Finish(LaterKeys.OfDatabase, FormerKeys.OfDatabase);
        if (path is null)
        {
            return null;
        }

        if (places.TakeDatabase(database.Path) is { } problem)
        {
            section.Error("path", problem);
        }
        else if (places.TakeSpool(database.MetaPath ?? DatabaseOptions.DefaultSpoolPath(database.Path, files)) is { } collision)
        {
            section.Error(database.MetaPath is null ? "path" : "meta-path", collision);
        }

        return database;
    }

    private List<ReplicaConfig> ParseReplicas(ConfigSection database, TimeSpan syncInterval, SnapshotKeys snapshot, TakenPlaces places)
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

        return [.. sections.Select(section => ParseReplica(section, syncInterval, snapshot, places)).OfType<ReplicaConfig>()];
    }

    private ReplicaConfig? ParseReplica(ConfigSection section, TimeSpan syncInterval, SnapshotKeys snapshot, TakenPlaces places)
    {
        RefuseEncryption(section);
        var (type, url, path) = (section.Text("type"), section.Text("url"), section.Text("path"));
        syncInterval = section.PositiveDuration("sync-interval") ?? syncInterval;
        var interval = ParseFormer(section, "snapshot-interval", "snapshot.interval", snapshot.Interval);
        var retention = ParseFormer(section, "retention", "snapshot.retention", snapshot.Retention);
        section.Skip("name");
        section.Finish(LaterKeys.OfReplica, FormerKeys.OfReplica);
        if (url is not null && path is not null)
        {
            section.Error("path", "stands beside url; use one of the two");
        }

        var isUrl = url is not null && StoreUrl.IsUrl(url);
        if (!isUrl && type is not (null or "file"))
        {
            section.Error("type", $"\"{type}\" is not supported yet; file is");
            return null;
        }

        if ((url is not null ? FolderOfUrl(url, section) : FolderOfPath(path, section)) is not { } folder)
        {
            return null;
        }

        if (places.TakeDestination(folder) is { } problem)
        {
            section.Error(url is not null ? "url" : "path", problem);
        }

        return new ReplicaConfig
        {
            Folder = folder, SyncInterval = syncInterval, FormerSnapshotInterval = interval, FormerRetention = retention,
        };
    }

    private string? FolderOfUrl(string url, ConfigSection replica)
    {
        try
        {
            var place = ReplicaPlace.Find(PathExpansion.OfReplica(url, variable), files);
            foreach (var warning in place.Warnings)
            {
                replica.Doubt("url", warning);
            }

            return place.Folder;
        }
        catch (StoreUrlException e)
        {
            replica.Error("url", $"{e.Message} {e.Hint}");
            return null;
        }
    }

    private string? FolderOfPath(string? path, ConfigSection replica)
    {
        if (path is null)
        {
            var named = s_places.FirstOrDefault(replica.Names);
            replica.Error(named ?? s_places[0], named is null ? "must say where the replica is, or path must" : EmptyValue);
            return null;
        }

        if (path.Contains("://", StringComparison.Ordinal))
        {
            replica.Error("path", "is a URL; use the key url for it");
            return null;
        }

        var folder = PathExpansion.Expand(path, variable);
        if (Path.GetDirectoryName(folder) is null)
        {
            replica.Error("path", "is the root of the file system; name a folder for this replica alone");
            return null;
        }

        return folder;
    }

    /// <summary>A key that Litestream 0.3 had here, and whose meaning another key has now. Never an error: Litestream 0.5
    /// ignores it.</summary>
    private static TimeSpan? ParseFormer(ConfigSection replica, string key, string today, TimeSpan? ofToday)
    {
        if (replica.Text(key) is not { } text)
        {
            return null;
        }

        if (ofToday is not null)
        {
            replica.Warning(key, $"is a key of Litestream 0.3: ignored, since {today} is set");
            return null;
        }

        try
        {
            var duration = GoDuration.ParsePositive(text);
            replica.Warning(key, $"is a key of Litestream 0.3: taken for {today} of the database; write that");
            return duration;
        }
        catch (FormatException e)
        {
            replica.Warning(key, $"is a key of Litestream 0.3: ignored, since \"{text}\" {e.Message}; write {today} of the database");
            return null;
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
}
