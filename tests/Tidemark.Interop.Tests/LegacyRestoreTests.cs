using System.Globalization;
using System.Security.Cryptography;
using System.Text.Json;
using Tidemark.Formats;
using Tidemark.Replicas.Catalog;
using Tidemark.Replicas.Files;
using Tidemark.Replicas.Legacy;
using Tidemark.Replicas.Restore;
using Tidemark.Replicas.Stores;
using Tidemark.Testing;
using Tidemark.Testing.Databases;
using Tidemark.Testing.Peers;
using Xunit;

namespace Tidemark.Interop.Tests;

/// <summary>Replicas that Litestream 0.3.13 wrote come back as that program itself restores them, or not at all.</summary>
public sealed class LegacyRestoreTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    private string Replica => _folder["replica"];

    private string Output => _folder["out.db"];

    private LocalStore Store => new(Replica, PhysicalFileSystem.Instance);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task The_latest_state_of_the_fixture_restores_to_the_same_bytes()
    {
        using var expected = CopyFixture();
        await RestoreAsync(new RestoreTarget.Latest());
        Assert.Equal(expected.RootElement.GetProperty("sha256_v0313_restore").GetString(), HashOf(PlainFile.Read(Output)));
        Assert.Equal(await LitestreamV03.RestoreAsync(Replica, _folder["peer.db"]), PlainFile.Read(Output));
    }

    [Fact]
    public async Task A_moment_of_the_fixture_restores_the_rows_that_were_there()
    {
        using var expected = CopyFixture();
        foreach (var state in expected.RootElement.GetProperty("rows_at").EnumerateArray())
        {
            var moment = DateTimeOffset.Parse(state.GetProperty("timestamp").GetString()!, CultureInfo.InvariantCulture);
            await RestoreAsync(new RestoreTarget.Before(moment));
            Assert.Equal(await LitestreamV03.RestoreAsync(Replica, _folder["peer.db"], moment), PlainFile.Read(Output));
            using var database = SourceDatabase.Open(Output);
            Assert.Equal(state.GetProperty("rows").GetInt64(), database.RunLong("SELECT count(*) FROM t"));
            Assert.Equal("ok", database.Run("PRAGMA integrity_check"));
        }
    }

    [Fact]
    public async Task A_fresh_replica_of_two_generations_restores_at_every_moment_as_the_program_restores_it()
    {
        var database = _folder["app.db"];
        await LitestreamV03.ReplicateAsync(_folder, database, Replica, seed: 1, transactions: 40);
        Directory.Delete(_folder[".app.db-litestream"], recursive: true);
        await LitestreamV03.ReplicateAsync(_folder, database, Replica, seed: 2, transactions: 40);

        var files = await Store.ListLegacyAsync(Token);
        Assert.Equal(2, files.Select(file => file.Key.Generation).Distinct().Count());
        Assert.True(files.Select(file => file.Key.Index).Max() > 1, "Several WALs were replicated.");
        await RestoreAsync(new RestoreTarget.Latest());
        Assert.Equal(await LitestreamV03.RestoreAsync(Replica, _folder["peer.db"]), PlainFile.Read(Output));

        var (restored, torn) = (0, 0);
        // File systems keep more digits than a moment has here; the program looks at all of them.
        foreach (var moment in files.Select(file => file.Created.AddTicks(1)).Distinct().Order())
        {
            // Between two generations that program refuses; the state before is there all the same.
            if (await LitestreamV03.RestoreAsync(Replica, _folder["peer.db"], moment) is { } expected)
            {
                try
                {
                    await RestoreAsync(new RestoreTarget.Before(moment));
                }
                catch (LegacyReplicaException)
                {
                    // That program copies a database while it is written, and restores what its own header contradicts.
                    torn++;
                    continue;
                }

                Assert.Equal((moment, HashOf(expected)), (moment, HashOf(PlainFile.Read(Output))));
                restored++;
            }
        }

        Assert.True(torn <= 2, $"{torn} moments were refused.");
        Assert.True(restored > 60, $"{restored} moments were compared.");
    }

    [Fact]
    public async Task Without_any_single_file_the_result_is_an_error_or_what_the_program_restores()
    {
        using var expected = CopyFixture();
        var whole = expected.RootElement.GetProperty("sha256_v0313_restore").GetString();
        var plan = LegacyRestorePlan.From(await Store.ListLegacyAsync(Token), new RestoreTarget.Latest());
        var refused = new HashSet<LegacyFileKey>();
        foreach (var file in await Store.ListLegacyAsync(Token))
        {
            var path = Path.Combine(Replica, file.Key.ToString());
            File.Move(path, _folder["aside"]);
            if (await TryRestoreAsync() is { } result)
            {
                var peer = await LitestreamV03.RestoreAsync(Replica, _folder["peer.db"]);
                Assert.Equal((file.Key, peer is null ? whole : HashOf(peer)), (file.Key, HashOf(result)));
            }
            else
            {
                refused.Add(file.Key);
            }

            File.Move(_folder["aside"], path);
        }

        Assert.Equal(whole, HashOf((await TryRestoreAsync())!));

        // Nothing marks the end of a WAL, so the loss of its last part is seen only by what the database itself tells of its size.
        var holes = plan.Wal.Zip(plan.Wal.Skip(1)).Where(pair => pair.Second.Key.Offset != 0 || pair.First.Key.Offset == 0);
        Assert.Superset(holes.Select(pair => pair.First.Key).ToHashSet(), refused);
        Assert.Subset(plan.Wal.SkipLast(1).Select(part => part.Key).ToHashSet(), refused);
    }

    [Fact]
    public async Task With_any_single_byte_changed_the_result_is_an_error_or_as_before()
    {
        using var expected = CopyFixture();
        var whole = expected.RootElement.GetProperty("sha256_v0313_restore").GetString();
        var plan = LegacyRestorePlan.From(await Store.ListLegacyAsync(Token), new RestoreTarget.Latest());
        var random = new Random(7);
        foreach (var file in await Store.ListLegacyAsync(Token))
        {
            var isRead = plan.Files.Any(planned => planned.Key == file.Key);
            var original = PlainFile.Read(Path.Combine(Replica, file.Key.ToString()));
            for (var round = 0; round < 12; round++)
            {
                var damaged = original.ToArray();
                var at = round < 8 ? round : random.Next(damaged.Length);
                damaged[at] ^= (byte)(1 << random.Next(8));
                await WriteAsync(file, damaged);
                var result = await TryRestoreAsync();
                Assert.True(
                    result is null ? isRead : !isRead && HashOf(result) == whole,
                    $"{file.Key}: byte {at} was changed, which was not seen.");
            }

            for (var length = 0; length < original.Length; length += Math.Max(1, original.Length / 9))
            {
                await WriteAsync(file, original[..length]);
                Assert.Equal((file.Key, length, isRead), (file.Key, length, await TryRestoreAsync() is null));
            }

            await WriteAsync(file, [.. original, 0]);
            Assert.Equal((file.Key, isRead), (file.Key, await TryRestoreAsync() is null));
            await WriteAsync(file, original);
        }
    }

    [Fact]
    public async Task The_hint_of_every_error_names_a_moment_that_can_be_restored()
    {
        using var expected = CopyFixture();
        var files = await Store.ListLegacyAsync(Token);
        var plan = LegacyRestorePlan.From(files, new RestoreTarget.Latest());
        var wal = files
            .Where(file => file.Key.Generation == plan.Generation && !file.Key.IsSnapshot)
            .OrderBy(file => file.Key.Index)
            .ThenBy(file => file.Key.Offset);
        foreach (var file in plan.Wal)
        {
            await WriteAsync(file, [1, 2, 3]);
            var failure = await Assert.ThrowsAsync<LegacyReplicaException>(() => RestoreAsync(new RestoreTarget.Latest()));
            Assert.Contains(file.Key.ToString(), failure.Message, StringComparison.Ordinal);
            var words = failure.Hint!.Split(' ');
            var moment = words[Array.IndexOf(words, "-timestamp") + 1].TrimEnd(':');
            var result = await RestoreAsync(new RestoreTarget.Before(DateTimeOffset.Parse(moment, CultureInfo.InvariantCulture)));
            var before = wal.TakeWhile(part => part.Key != file.Key).Last();
            Assert.Equal(before.Key, result.Plan.Wal[^1].Key);
            CopyFixture().Dispose();
        }
    }

    private async Task<LegacyRestoreResult> RestoreAsync(RestoreTarget target)
        => await new LegacyRestoreStep(Store, PhysicalFileSystem.Instance, TimeProvider.System)
            .RunAsync(target, new RestoreOptions { OutputPath = Output, Overwrite = true }, Token);

    /// <summary>The latest state; null for an error, after which nothing may be there.</summary>
    private async Task<byte[]?> TryRestoreAsync()
    {
        File.Delete(Output);
        try
        {
            await RestoreAsync(new RestoreTarget.Latest());
            return PlainFile.Read(Output);
        }
        catch (TidemarkException)
        {
            Assert.DoesNotContain(Directory.EnumerateFiles(_folder.Path), file => file.Contains("out.db", StringComparison.Ordinal));
            return null;
        }
    }

    private async Task WriteAsync(LegacyFileInfo file, byte[] content)
    {
        var path = Path.Combine(Replica, file.Key.ToString());
        await File.WriteAllBytesAsync(path, content, Token);
        File.SetLastWriteTimeUtc(path, file.Created.UtcDateTime);
    }

    private JsonDocument CopyFixture()
    {
        var expected = JsonDocument.Parse(TidemarkShared.ReadFixture("v03/expected.json"));
        foreach (var time in expected.RootElement.GetProperty("mtimes").EnumerateObject())
        {
            var path = _folder[time.Name];
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
#pragma warning disable RS0030 // Plain files that nobody else uses.
            File.WriteAllBytes(path, TidemarkShared.ReadFixture($"v03/{time.Name}"));
#pragma warning restore RS0030
            File.SetLastWriteTimeUtc(path, DateTime.UnixEpoch.AddTicks(time.Value.GetInt64() / TimeSpan.NanosecondsPerTick));
        }

        return expected;
    }

    private static string HashOf(byte[] content) => Convert.ToHexStringLower(SHA256.HashData(content));
}
