using Microsoft.Extensions.Logging;
using Tidemark.Cli.Configuration;
using Tidemark.Cli.Logging;
using Tidemark.Replicas.Files;
using Tidemark.Testing;
using Tidemark.Testing.Files;

namespace Tidemark.Cli.Tests.Configuration;

public sealed class ConfigReaderTests
{
    [Theory]
    [InlineData("url: file://", "\"file://\" names no folder.")]
    [InlineData("url: file:///", "\"file:///\" names no folder.")]
    [InlineData("path: /", "is the root of the file system")]
    public void A_destination_that_names_no_folder_is_an_error(string replica, string message)
    {
        var failure = Assert.Throws<ConfigException>(() => Parse("dbs: [{path: /x/a, replica: {" + replica + "}}]"));
        Assert.Contains(message, failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Every_key_that_is_used_is_read()
    {
        var config = Parse("""
            logging: {level: debug, type: json, stderr: yes}
            exec: sleep 1
            shutdown-sync-timeout: 1m
            shutdown-sync-interval: 250ms
            levels: [{interval: 10s}, {interval: 2m}]
            snapshot: {interval: 12h, retention: 720h}
            l0-retention: 1h
            l0-retention-check-interval: 1m
            retention: {enabled: off}
            dbs:
              - path: /data/app.db
                meta-path: /spool/app
                monitor-interval: 2s
                checkpoint-interval: 5m
                busy-timeout: 3s
                min-checkpoint-page-count: 2_000
                max-sync-wal-bytes: 0x100000
                max-spool-bytes: 5_000_000
                snapshot: {interval: 1h, retention: 2h}
                claim-check-interval: 7s
                restore-if-db-not-exists: true
                replicas:
                  - url: file:///backup/one
                    sync-interval: 10s
                  - type: file
                    path: /backup/two
            """);

        Assert.Equal(new LoggingConfig { Level = LogLevel.Debug, Format = LogFormat.Json, IsToStandardError = true }, config.Logging);
        Assert.Equal("sleep 1", config.Exec);
        Assert.Equal(TimeSpan.FromMinutes(1), config.ShutdownSyncTimeout);
        Assert.Equal(TimeSpan.FromMilliseconds(250), config.ShutdownSyncInterval);
        Assert.Equal([TimeSpan.FromSeconds(10), TimeSpan.FromMinutes(2)], config.CompactionIntervals);
        Assert.Equal(TimeSpan.FromHours(1), config.L0Retention);
        Assert.Equal(TimeSpan.FromMinutes(1), config.L0RetentionCheckInterval);
        Assert.False(config.IsRetentionEnabled);
        var database = Assert.Single(config.Databases);
        Assert.Equal("/data/app.db", database.Path);
        Assert.Equal("/spool/app", database.MetaPath);
        Assert.Equal(TimeSpan.FromSeconds(2), database.MonitorInterval);
        Assert.Equal(TimeSpan.FromMinutes(5), database.CheckpointInterval);
        Assert.Equal(TimeSpan.FromSeconds(3), database.BusyTimeout);
        Assert.Equal(2000, database.MinCheckpointPageCount);
        Assert.Equal(0x100000, database.MaxSyncWalBytes);
        Assert.Equal(5_000_000, database.MaxSpoolBytes);
        Assert.Equal(new SnapshotConfig { Interval = TimeSpan.FromHours(1), Retention = TimeSpan.FromHours(2) }, database.Snapshot);
        Assert.Equal(TimeSpan.FromSeconds(7), database.ClaimCheckInterval);
        Assert.True(database.IsRestoredIfMissing);
        Assert.Equal(
            [
                new ReplicaConfig { Url = "file:///backup/one", SyncInterval = TimeSpan.FromSeconds(10) },
                new ReplicaConfig { Folder = "/backup/two", SyncInterval = TimeSpan.FromSeconds(1) },
            ],
            database.Replicas);
        Assert.Empty(config.Warnings);
    }

    [Fact]
    public void An_empty_file_gives_the_defaults()
    {
        var config = Parse("# nothing here\n");

        Assert.Empty(config.Databases);
        Assert.Null(config.Exec);
        Assert.Equal(TimeSpan.FromSeconds(30), config.ShutdownSyncTimeout);
        Assert.Equal([30, 300, 3600], config.CompactionIntervals.Select(interval => interval.TotalSeconds));
        Assert.Equal(TimeSpan.FromMinutes(5), config.L0Retention);
        Assert.Equal(TimeSpan.FromSeconds(15), config.L0RetentionCheckInterval);
        Assert.True(config.IsRetentionEnabled);
    }

    [Theory]
    [InlineData("levels: []")]
    [InlineData("levels:")]
    [InlineData("levels: ~")]
    public void A_list_without_levels_switches_compaction_off(string text) => Assert.Empty(Parse(text).CompactionIntervals);

    [Fact]
    public void The_snapshots_of_a_database_go_before_those_of_the_file_key_by_key()
    {
        var databases = Parse("""
            snapshot: {interval: 12h}
            dbs:
              - {path: /a, replica: {path: /r}}
              - {path: /b, replica: {path: /s}, snapshot: {interval: 1h}}
              - {path: /c, replica: {path: /t}, snapshot: {retention: 2h}}
            """).Databases;

        Assert.Equal([(12, 24), (1, 24), (12, 2)],
            databases.Select(database => ((int)database.Snapshot.Interval.TotalHours, (int)database.Snapshot.Retention.TotalHours)));
    }

    [Theory]
    [InlineData("levels: [{interval: 1s}, {interval: 0s}]", "levels[1].interval: \"0s\" must be greater than 0")]
    [InlineData("levels: [{}]", "levels[0].interval: must say how often the level is made")]
    [InlineData("levels: 30s", "levels: must be a list of sections")]
    [InlineData("snapshot: {interval: 0s}", "snapshot.interval: \"0s\" must be greater than 0")]
    [InlineData("snapshot: {retention: -1h}", "snapshot.retention: \"-1h\" must be greater than 0")]
    [InlineData("l0-retention: -1s", "l0-retention: \"-1s\" must not be negative")]
    [InlineData("l0-retention-check-interval: 0", "l0-retention-check-interval: \"0\" must be greater than 0")]
    [InlineData("retention: 24h", "retention: must be a section of keys and values")]
    [InlineData("dbs: [{path: /a, replica: {path: /r}, snapshot: {interval: 0s}}]",
        "dbs[0].snapshot.interval: \"0s\" must be greater than 0")]
    [InlineData("dbs: [{path: /a, replica: {path: /r}, max-spool-bytes: -1}]",
        "dbs[0].max-spool-bytes: \"-1\" must be from 0 to 9223372036854775807")]
    public void Times_that_make_no_sense_are_refused(string text, string problem)
        => Assert.Equal($"c.yml:1: {problem}", Assert.Throws<ConfigException>(() => Parse(text)).Message);

    [Fact]
    public void There_are_eight_levels_at_most()
    {
        static string Levels(int count)
            => $"levels: [{string.Join(", ", Enumerable.Range(1, count).Select(hours => $"{{interval: {hours}h}}"))}]";

        Assert.Equal(8, Parse(Levels(8)).CompactionIntervals.Count);
        Assert.Equal("c.yml:1: levels: must be at most 8", Assert.Throws<ConfigException>(() => Parse(Levels(9))).Message);
    }

    [Fact]
    public void Captures_can_be_kept_for_ever() => Assert.Equal(TimeSpan.Zero, Parse("l0-retention: 0").L0Retention);

    [Fact]
    public void A_null_value_leaves_the_default()
    {
        var database = Assert
            .Single(Parse("dbs: [{path: /a, busy-timeout: ~, checkpoint-interval: , replica: {path: /r}}]\nlogging:\n").Databases);

        Assert.Equal(TimeSpan.FromSeconds(1), database.BusyTimeout);
        Assert.Equal(TimeSpan.FromMinutes(1), database.CheckpointInterval);
    }

    [Fact]
    public void The_sync_interval_at_the_top_is_the_default_of_replicas()
    {
        var databases = Parse("""
            sync-interval: 5s
            dbs:
              - {path: /a, replica: {path: /r}}
              - {path: /b, replica: {path: /s, sync-interval: 2s}}
            """).Databases;

        Assert.Equal([5, 2], databases.Select(database => database.Replicas[0].SyncInterval.TotalSeconds));
    }

    [Fact]
    public void Anchors_and_merged_keys_are_followed()
    {
        var databases = Parse("""
            dbs:
              - &base {path: /a, busy-timeout: 9s, replica: {path: /r}}
              - <<: *base
                path: /b
                replica: {path: /s}
            """).Databases;

        Assert.Equal(["/a", "/b"], databases.Select(database => database.Path));
        Assert.Equal(TimeSpan.FromSeconds(9), databases[1].BusyTimeout);
    }

    [Fact]
    public void Every_fault_is_named_with_line_and_key()
    {
        var failure = Assert.Throws<ConfigException>(() => Parse("""
            shutdown-sync-timeout: -1s
            logging:
              level: loud
            dbs:
              - path: /a
                busy-timeout: 10
                replica:
                  path: file:///x
              - replica: {type: s3, bucket: b}
              - path: /c
            """));

        Assert.Equal(
            [
                "c.yml:1: shutdown-sync-timeout: \"-1s\" must not be negative",
                "c.yml:3: logging.level: \"loud\" must be trace, debug, info, warn or error",
                "c.yml:6: dbs[0].busy-timeout: \"10\" has no unit after 10; write 10s for seconds or 10ms for milliseconds",
                "c.yml:8: dbs[0].replica.path: is a URL; use the key url for it",
                "c.yml:9: dbs[1].path: must name the database file",
                "c.yml:9: dbs[1].replica.type: \"s3\" is not supported yet; file is",
                "c.yml:10: dbs[2].replica: must say where the database is replicated to",
                "Warning: c.yml:9: dbs[1].replica.bucket: not supported yet: ignored",
            ],
            failure.Message.Split('\n'));
    }

    [Fact]
    public void What_is_named_twice_or_wrongly_is_reported_with_the_other_faults()
    {
        var failure = Assert.Throws<ConfigException>(() => Parse("""
            l0-retention: 5
            dbs:
              - {path: /a, replica: {path: /r}}
              - {path: /x/../a, replica: {url: 'file:///r/'}}
              - path: /b
                replicas:
                  - url: s3://bucket/b
                  - path: /r/ltx
            """));

        Assert.Equal(
            [
                "c.yml:1: l0-retention: \"5\" has no unit after 5; write 5s for seconds or 5ms for milliseconds",
                "c.yml:4: dbs[1].replica.url: /r is a destination twice",
                "c.yml:4: dbs[1].path: /a is listed twice",
                "c.yml:7: dbs[2].replicas[0].url: Replicas in s3 stores are not supported by this version of Tidemark. "
                    + "Use a folder: file:///PATH.",
                "c.yml:8: dbs[2].replicas[1].path: /r/ltx lies among the files of the destination /r",
            ],
            failure.Message.Split('\n'));
    }

    [Theory]
    [InlineData("age: {recipients: [x]}")]
    [InlineData("dbs: [{path: /a, replica: {path: /r, age: {identities: [x]}}}]")]
    public void Encryption_is_refused_since_nobody_would_notice_that_it_is_missing(string text)
        => Assert.Contains("unencrypted", Assert.Throws<ConfigException>(() => Parse(text)).Message, StringComparison.Ordinal);

    [Fact]
    public void A_folder_of_databases_is_refused_since_nothing_would_replicate_it()
        => Assert.Contains("c.yml:1: dbs[0].dir: folders", Assert.Throws<ConfigException>(
            () => Parse("dbs: [{dir: /data, pattern: '*.db', replica: {path: /r}}]")).Message, StringComparison.Ordinal);

    [Fact]
    public void Keys_without_effect_are_warned_of()
    {
        var config = Parse("""
            verify-compaction: true
            foo: 1
            snapshot: {every: 1h}
            dbs:
              - path: /a
                replica:
                  path: /r
                  name: old
                  auto-recover: true
            """);

        Assert.Equal(
            [
                "c.yml:1: verify-compaction: not supported yet: ignored",
                "c.yml:2: foo: unknown key: ignored",
                "c.yml:3: snapshot.every: unknown key: ignored",
                "c.yml:9: dbs[0].replica.auto-recover: not supported yet: ignored",
            ],
            config.Warnings);
    }

    [Theory]
    [InlineData("level: []", "c.yml:1: level: unknown key: ignored; levels is one")]
    [InlineData("dbs: [{path: /a, busy-timeuot: 1s, replica: {path: /r}}]",
        "c.yml:1: dbs[0].busy-timeuot: unknown key: ignored; busy-timeout is one")]
    [InlineData("sokcet: {}", "c.yml:1: sokcet: unknown key: ignored; socket is one")]
    public void A_misspelt_key_is_warned_of_with_the_one_that_is_near(string text, string warning)
        => Assert.Equal([warning], Parse(text).Warnings);

    [Theory]
    [InlineData("levels: [{interval: 1m}, {interval: 1m}]", "c.yml:1: levels[1].interval: is not longer than that of the level below")]
    [InlineData("levels:\n- {interval: 5m}\n- {interval: 30s}\n- {interval: 1h}",
        "c.yml:3: levels[1].interval: is not longer than that of the level below")]
    public void A_level_that_is_made_as_often_as_the_one_below_is_warned_of(string text, string warning)
        => Assert.Equal([warning], Parse(text).Warnings);

    [Theory]
    [InlineData("dbs: [\n  }", 2)]
    [InlineData("a: 1\na: 2", 2)]
    [InlineData("\n- x", 2)]
    public void Text_that_is_no_configuration_is_refused_with_its_line(string text, int line)
        => Assert.StartsWith($"c.yml:{line}: ", Assert.Throws<ConfigException>(() => Parse(text)).Message, StringComparison.Ordinal);

    [Fact]
    public void A_missing_file_is_an_error_with_a_hint()
    {
        var failure = Assert.Throws<ConfigException>(
            () => new ConfigReader(PhysicalFileSystem.Instance, _ => null).Read("/nowhere/c.yml", expandsEnvironment: true));

        Assert.Equal("config file not found: /nowhere/c.yml", failure.Message);
        Assert.NotNull(failure.Hint);
    }

    [Fact]
    public void A_folder_in_the_place_of_the_file_is_called_one()
    {
        using var folder = new TemporaryFolder();

        var failure = Assert.Throws<ConfigException>(
            () => new ConfigReader(PhysicalFileSystem.Instance, _ => null).Read(folder.Path, expandsEnvironment: true));

        Assert.Equal($"config file is a folder: {folder.Path}", failure.Message);
        Assert.NotNull(failure.Hint);
    }

    [Fact]
    public async Task A_file_that_may_not_be_read_is_an_error_that_names_the_right()
    {
        using var folder = new TemporaryFolder();
        await File.WriteAllTextAsync(folder["c.yml"], "dbs: []\n", TestContext.Current.CancellationToken);
        // The tests may run as root, who may read everything.
        var closed = new HookedFileSystem { Opening = _ => throw new UnauthorizedAccessException() };

        var failure = Assert.Throws<ConfigException>(
            () => new ConfigReader(closed, _ => null).Read(folder["c.yml"], expandsEnvironment: true));

        Assert.Equal($"cannot read config file: {folder["c.yml"]}", failure.Message);
        Assert.Equal("Give the user that runs Tidemark the right to read it.", failure.Hint);
    }

    [Theory]
    [InlineData("dbs: [{path: /a, replica: {url: $UNSET}}]", "dbs[0].replica.url")]
    [InlineData("dbs: [{path: /a, replica: {path: '${UNSET}'}}]", "dbs[0].replica.path")]
    [InlineData("dbs: [{path: $UNSET, replica: {path: /r}}]", "dbs[0].path")]
    public void A_place_that_an_unset_variable_left_empty_is_told_from_one_that_is_missing(string text, string key)
    {
        var failure = Assert.Throws<ConfigException>(() => Parse(EnvironmentExpansion.Expand(text, _ => null)));

        Assert.Equal($"c.yml:1: {key}: is empty; a variable in it may not be set", failure.Message);
    }

    [Fact]
    public void Paths_are_made_absolute()
    {
        var database = Assert.Single(Parse("dbs: [{path: 'sqlite://~/app.db', replica: {path: ./r}}]").Databases);

        Assert.Equal("/home/user/app.db", database.Path);
        Assert.Equal(Path.GetFullPath("r"), database.Replicas[0].Folder);
    }

    private static TidemarkConfig Parse(string text)
        => new ConfigReader(PhysicalFileSystem.Instance, name => name == "HOME" ? "/home/user" : null).Parse(text, "c.yml");
}
