using Microsoft.Extensions.Logging;
using Tidemark.Cli.Configuration;
using Tidemark.Cli.Logging;
using Tidemark.Replicas.Files;

namespace Tidemark.Cli.Tests.Configuration;

public sealed class ConfigReaderTests
{
    [Fact]
    public void Every_key_that_is_used_is_read()
    {
        var config = Parse("""
            logging: {level: debug, type: json, stderr: yes}
            exec: sleep 1
            shutdown-sync-timeout: 1m
            shutdown-sync-interval: 250ms
            dbs:
              - path: /data/app.db
                meta-path: /spool/app
                monitor-interval: 2s
                checkpoint-interval: 5m
                busy-timeout: 3s
                min-checkpoint-page-count: 2_000
                max-sync-wal-bytes: 0x100000
                max-spool-bytes: 5000000
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
        var database = Assert.Single(config.Databases);
        Assert.Equal("/data/app.db", database.Path);
        Assert.Equal("/spool/app", database.MetaPath);
        Assert.Equal(TimeSpan.FromSeconds(2), database.MonitorInterval);
        Assert.Equal(TimeSpan.FromMinutes(5), database.CheckpointInterval);
        Assert.Equal(TimeSpan.FromSeconds(3), database.BusyTimeout);
        Assert.Equal(2000, database.MinCheckpointPageCount);
        Assert.Equal(0x100000, database.MaxSyncWalBytes);
        Assert.Equal(5_000_000, database.MaxSpoolBytes);
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
    }

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
                "c.yml:3: logging.level: \"loud\" must be trace, debug, info, warn or error",
                "c.yml:1: shutdown-sync-timeout: \"-1s\" must not be negative",
                "c.yml:6: dbs[0].busy-timeout: \"10\" has no unit after 10; write 10s for seconds or 10ms for milliseconds",
                "c.yml:8: dbs[0].replica.path: is a URL; use the key url for it",
                "c.yml:9: dbs[1].path: must name the database file",
                "c.yml:9: dbs[1].replica.type: \"s3\" is not supported yet; file is",
                "c.yml:10: dbs[2].replica: must say where the database is replicated to",
                "c.yml:9: dbs[1].replica.bucket: not supported yet: ignored",
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
            snapshot: {interval: 1h}
            foo: 1
            dbs:
              - path: /a
                replica:
                  path: /r
                  name: old
                  auto-recover: true
            """);

        Assert.Equal(
            [
                "c.yml:8: dbs[0].replica.auto-recover: not supported yet: ignored",
                "c.yml:1: snapshot: not supported yet: ignored",
                "c.yml:2: foo: unknown key: ignored",
            ],
            config.Warnings);
    }

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
    public void Paths_are_made_absolute()
    {
        var database = Assert.Single(Parse("dbs: [{path: 'sqlite://~/app.db', replica: {path: ./r}}]").Databases);

        Assert.Equal("/home/user/app.db", database.Path);
        Assert.Equal(Path.GetFullPath("r"), database.Replicas[0].Folder);
    }

    private static TidemarkConfig Parse(string text)
        => new ConfigReader(PhysicalFileSystem.Instance, name => name == "HOME" ? "/home/user" : null).Parse(text, "c.yml");
}
