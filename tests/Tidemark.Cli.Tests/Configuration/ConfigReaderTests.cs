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
                new ReplicaConfig { Folder = "/backup/one", SyncInterval = TimeSpan.FromSeconds(10) },
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
    [InlineData("retention: 24h",
        "retention: must be a section of keys and values; snapshot.retention says how far back a moment can be restored")]
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
    public void A_variable_that_is_not_set_is_warned_of_in_every_command_that_reads_the_file()
    {
        var config = Parse("dbs:\n- {path: /a, replica: {url: 'file:///r$UNSET'}}\n# $NEITHER", expandsEnvironment: true);
        Assert.Equal(["c.yml:2: $UNSET: is not set: left empty"], config.Warnings);
        Assert.Equal(config.Warnings, config.Doubts);
    }

    [Theory]
    [InlineData("dbs: [{path: /a, replica: {path: $UNSET}}]")]
    [InlineData("dbs: [{path: /a, replica: {path: '/r', name: \"$UNSET}}]")]
    public void A_file_that_is_wrong_names_the_variable_that_is_not_set(string text)
    {
        var failure = Assert.Throws<ConfigException>(() => Parse(text, expandsEnvironment: true));
        Assert.Contains("\nWarning: c.yml:1: $UNSET: is not set: left empty", failure.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("retention: 72h", 24, 72,
        "retention: is a key of Litestream 0.3: taken for snapshot.retention of the database; write that")]
    [InlineData("snapshot-interval: 6h", 6, 24,
        "snapshot-interval: is a key of Litestream 0.3: taken for snapshot.interval of the database; write that")]
    [InlineData("retention: 72", 24, 24,
        "retention: is a key of Litestream 0.3: ignored, since \"72\" has no unit after 72; write 72s for seconds or "
        + "72ms for milliseconds; write snapshot.retention of the database")]
    [InlineData("retention: 0s", 24, 24,
        "retention: is a key of Litestream 0.3: ignored, since \"0s\" must be greater than 0; write snapshot.retention "
        + "of the database")]
    [InlineData("validation-interval: 1h", 24, 24,
        "validation-interval: is a key of Litestream 0.3: ignored; tidemark verify checks a replica when it is run")]
    [InlineData("retention-check-interval: 1h", 24, 24,
        "retention-check-interval: is a key of Litestream 0.3: ignored; l0-retention-check-interval "
        + "at the top level says how often it is looked whether files can be deleted")]
    public void Keys_of_a_replica_of_litestream_0_3_are_explained_and_obeyed_where_they_mean_something(
        string key, int intervalHours, int retentionHours, string warning)
    {
        var config = Parse($"dbs: [{{path: /a, replica: {{path: /r, {key}}}}}]");
        Assert.Equal(
            new SnapshotConfig { Interval = TimeSpan.FromHours(intervalHours), Retention = TimeSpan.FromHours(retentionHours) },
            config.Databases[0].Snapshot);
        Assert.Equal([$"c.yml:1: dbs[0].replica.{warning}"], config.Warnings);
    }

    [Theory]
    [InlineData("snapshot: {retention: 5h}", "")]
    [InlineData("", "snapshot: {retention: 5h}, ")]
    public void A_key_of_litestream_0_3_gives_way_to_the_one_that_took_its_place(string ofFile, string ofDatabase)
    {
        var config = Parse($"{ofFile}\ndbs: [{{path: /a, {ofDatabase}replica: {{path: /r, retention: 72h}}}}]");
        Assert.Equal(TimeSpan.FromHours(5), config.Databases[0].Snapshot.Retention);
        Assert.Equal(
            ["c.yml:2: dbs[0].replica.retention: is a key of Litestream 0.3: ignored, since snapshot.retention is set"], config.Warnings);
    }

    [Fact]
    public void Of_the_replicas_of_a_database_the_longest_retention_and_the_shortest_interval_count()
    {
        var snapshot = Parse("""
            dbs:
            - path: /a
              replicas:
              - {path: /r, retention: 72h, snapshot-interval: 2h}
              - {path: /s, retention: 48h, snapshot-interval: 4h}
              - {path: /t}
            """).Databases[0].Snapshot;
        Assert.Equal(new SnapshotConfig { Interval = TimeSpan.FromHours(2), Retention = TimeSpan.FromHours(72) }, snapshot);
    }

    [Theory]
    [InlineData("max-checkpoint-page-count: 10000", "min-checkpoint-page-count")]
    [InlineData("shadow-retention-n: 5", "max-spool-bytes")]
    [InlineData("retention: 5h", "snapshot.retention")]
    public void Keys_of_a_database_of_litestream_0_3_are_explained_with_the_one_that_takes_their_place(string key, string today)
        => Assert.Contains(
            today, Assert.Single(Parse($"dbs: [{{path: /a, replica: {{path: /r}}, {key}}}]").Warnings), StringComparison.Ordinal);

    [Theory]
    [InlineData("/backup/app", "/backup/app")]
    [InlineData("~/backup", "/home/user/backup")]
    [InlineData("file:///my%20files/app", "/my files/app")]
    public void A_url_may_be_a_plain_folder(string url, string folder)
        => Assert.Equal(folder, Parse($"dbs: [{{path: /a, replica: {{url: '{url}'}}}}]").Databases[0].Replicas[0].Folder);

    [Fact]
    public void A_plain_folder_is_not_taken_for_a_store_of_another_type()
        => Assert.Contains("is not supported yet", Assert.Throws<ConfigException>(
            () => Parse("dbs: [{path: /a, replica: {type: s3, url: bucket/app}}]")).Message, StringComparison.Ordinal);

    [Theory]
    [InlineData("{path: /x/a, meta-path: /s, replica: {path: /r}}", "{path: /x/b, meta-path: /s, replica: {path: /q}}",
        "meta-path: /s is the spool of two databases")]
    [InlineData("{path: /x/a, meta-path: /s, replica: {path: /r}}", "{path: /x/b, replica: {path: /s/r}}",
        "replica.path: /s/r lies in the spool /s")]
    [InlineData("{path: /x/a, replica: {path: /r}}", "{path: /x/b, meta-path: /r/ltx/s, replica: {path: /q}}",
        "meta-path: /r/ltx/s lies among the files of the destination /r")]
    public void A_spool_is_of_one_database_and_of_nothing_else(string first, string second, string problem)
        => Assert.Equal($"c.yml:3: dbs[1].{problem}", Assert.Throws<ConfigException>(() => Parse($"dbs:\n- {first}\n- {second}")).Message);

    [Fact]
    public void Paths_are_made_absolute()
    {
        var database = Assert.Single(Parse("dbs: [{path: 'sqlite://~/app.db', replica: {path: ./r}}]").Databases);

        Assert.Equal("/home/user/app.db", database.Path);
        Assert.Equal(Path.GetFullPath("r"), database.Replicas[0].Folder);
    }

    private static TidemarkConfig Parse(string text, bool expandsEnvironment = false)
        => new ConfigReader(PhysicalFileSystem.Instance, name => name == "HOME" ? "/home/user" : null)
            .Parse(text, "c.yml", expandsEnvironment);
}
