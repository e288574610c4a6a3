using System.Security.Cryptography;
using Microsoft.Extensions.Time.Testing;
using Tidemark.Formats;
using Tidemark.Replicas.Catalog;
using Tidemark.Replicas.Files;
using Tidemark.Replicas.Leases;
using Tidemark.Replicas.Restore;
using Tidemark.Replicas.Stores;
using Tidemark.Replication.Capture;
using Tidemark.Replication.Images;
using Tidemark.Replication.Tests.Capture;
using Tidemark.Replication.Upload;
using Tidemark.Testing;
using Tidemark.Testing.Databases;
using Tidemark.Testing.Stores;
using Xunit;

namespace Tidemark.Replication.Tests.Upload;

/// <summary>Two writers on one replica, in an order that a seed decides: between any two calls of the store by one of them, the other one may
/// do anything.</summary>
public sealed class TwoWriterTests
{
    private const int Seeds = 25;
    private const int Steps = 60;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Nothing_is_overwritten_or_mixed_and_both_stop(bool isCopy)
    {
        for (var seed = 1; seed <= Seeds; seed++)
        {
            using var place = new Place(seed);
            try
            {
                await place.RunAsync(isCopy);
            }
            catch (Exception e)
            {
                throw new InvalidOperationException($"Seed {seed} failed: {e}\n{place.Trace}", e);
            }
        }
    }

    /// <summary>The replica and its two writers.</summary>
    private sealed class Place(int seed) : IDisposable
    {
        private readonly Random _random = new(seed);
        private readonly MemoryStore _store = new();
        private readonly FakeTimeProvider _time = new();
        private readonly List<Writer> _writers = [];
        private readonly Dictionary<LtxFileKey, string> _seen = [];
        private readonly Dictionary<string, string> _states = [];
        private readonly List<string> _trace = [];
        private readonly TemporaryFolder _folder = new();
        private int _restores;
        private bool _isNested;

        public string Trace => string.Join('\n', _trace);

        public async Task RunAsync(bool isCopy)
        {
            var scene = new CaptureScene();
            scene.Source.Insert(10);
            _writers.Add(new Writer(this, "A", scene));
            var second = _random.Next(Steps / 2);
            if (isCopy)
            {
                for (var i = 0; i < 10; i++)
                {
                    await _writers[0].DoAsync();
                }

                _writers.Add(new Writer(this, "B", CopyOf(scene)));
                _writers[0].Restart();
            }

            for (var step = 0; step < Steps; step++)
            {
                if (step == second && !isCopy)
                {
                    _writers.Add(new Writer(this, "B", new CaptureScene()));
                }

                await _writers[_random.Next(_writers.Count)].DoAsync();
                await CheckFilesAsync();
            }

            // Both go on writing: within an interval both know.
            for (var round = 0; round < 3; round++)
            {
                _time.Advance(TimeSpan.FromSeconds(31));
                foreach (var writer in _writers)
                {
                    await writer.WriteAndShipAsync();
                }
            }

            Assert.All(_writers, writer => Assert.True(writer.HasStopped, $"{writer.Name} goes on."));
            await CheckFilesAsync();
            await CheckRestoreAsync();
        }

        public void Dispose()
        {
            _writers.ForEach(writer => writer.Dispose());
            _folder.Dispose();
        }

        private static CaptureScene CopyOf(CaptureScene scene)
        {
            scene.Stop();
            scene.Source.Dispose();
            var copy = new CaptureScene(create: false);
            copy.Stop();
            foreach (var path in Directory.EnumerateFiles(scene.Folder.Path, "*", SearchOption.AllDirectories))
            {
                var target = copy.Folder[Path.GetRelativePath(scene.Folder.Path, path)];
                Directory.CreateDirectory(Path.GetDirectoryName(target)!);
#pragma warning disable RS0030 // Nobody has the database open.
                File.Copy(path, target, overwrite: true);
#pragma warning restore RS0030
            }

            foreach (var each in (CaptureScene[])[scene, copy])
            {
                each.Source = SourceDatabase.Open(each.DatabasePath);
                each.Start();
            }

            return copy;
        }

        private async Task CheckFilesAsync()
        {
            foreach (var file in await ReplicaListing.ReadAllAsync(_store, Token))
            {
                var hash = await HashAsync(file.Key);
                Assert.True(_seen.TryAdd(file.Key, hash) || _seen[file.Key] == hash, $"{file.Key} has changed.");
            }
        }

        private async Task CheckRestoreAsync()
        {
            var files = await ReplicaListing.ReadAllAsync(_store, Token);
            if (files.Count == 0)
            {
                return;
            }

            // It compares the checksum of what it has built with the one of the newest file, so nothing mixed can pass.
            var output = _folder[$"restored-{_restores++}.db"];
            await new RestoreStep(_store, PhysicalFileSystem.Instance, _time)
                .RunAsync(new RestoreTarget.Latest(), new RestoreOptions { OutputPath = output }, Token);
            var newest = RestorePlan.From(files, new RestoreTarget.Latest()).Files[^1];
            Assert.Equal(_states[await HashAsync(newest.Key)], Hash(await File.ReadAllBytesAsync(output, Token)));
        }

        private async Task<string> HashAsync(LtxFileKey key)
        {
            await using var content = await _store.OpenAsync(key, 0, null, Token);
            return Convert.ToHexString(await SHA256.HashDataAsync(content, Token));
        }

        private static string Hash(byte[] content) => Convert.ToHexString(SHA256.HashData(content));

        /// <summary>One of the two.</summary>
        private sealed class Writer : IDisposable
        {
            private readonly Place _place;
            private readonly CaptureScene _scene;
            private readonly FaultingStore _store;
            private UploadStep _step = null!;

            public Writer(Place place, string name, CaptureScene scene)
            {
                (_place, Name, _scene) = (place, name, scene);
                _store = new FaultingStore(place._store, _ => null) { BeforeCall = _ => LetTheOtherOneAct() };
                Restart();
            }

            public string Name { get; }

            public bool HasStopped { get; private set; }

            public void Restart() => _step = new UploadStep(
                _store, _scene.Spool, new ClaimStep(_store, _scene.Database.Lineage, _place._time, TimeSpan.FromSeconds(30)));

            public Task DoAsync() => _place._random.Next(12) switch
            {
                < 4 => CaptureAsync(),
                < 9 => ShipAsync(),
                9 => LoseCapturesAsync(),
                10 => PassTimeAsync(),
                _ => WriteAndShipAsync(),
            };

            public async Task WriteAndShipAsync()
            {
                await CaptureAsync();
                await ShipAsync();
                await CaptureAsync();
                await ShipAsync();
            }

            public void Dispose() => _scene.Dispose();

            private async Task CaptureAsync()
            {
                if (HasStopped || (_scene.Database.Position is null && !_step.IsReconciled))
                {
                    return;
                }

                _scene.Source.Insert(1 + _place._random.Next(20));
                _scene.Capture();
                await NoteStateAsync();
            }

            private async Task ShipAsync()
            {
                if (HasStopped)
                {
                    return;
                }

                try
                {
                    if (!_step.IsReconciled)
                    {
                        _place._trace.Add($"{Name} looks");
                        if (await _step.ReconcileAsync(Token) is { } head)
                        {
                            _scene.Database.NoteReplica(head.Txid, head.PageSize);
                        }

                        return;
                    }

                    var result = await _step.RunAsync(_scene.Database.Position?.Txid ?? Txid.None, Token);
                    _place._trace.Add($"{Name} {result.Outcome} {result.File?.Key} {result.Image}");
                    if (result.Image is { } wanted && FullImageStep.Run(_scene.Database, wanted.From) is not null)
                    {
                        await NoteStateAsync();
                    }
                }
                catch (ReplicaConflictException e)
                {
                    _place._trace.Add($"{Name} stops: {e.Message}");
                    HasStopped = true;
                }
            }

            private Task LoseCapturesAsync()
            {
                _scene.Spool.DropOldest(new SpoolBudget(1, 0), Txid.None);
                return Task.CompletedTask;
            }

            private Task PassTimeAsync()
            {
                _place._time.Advance(TimeSpan.FromSeconds(_place._random.Next(20)));
                return Task.CompletedTask;
            }

            private void LetTheOtherOneAct()
            {
                if (_place._isNested || _place._writers.Count < 2 || _place._random.Next(3) > 0)
                {
                    return;
                }

                _place._isNested = true;
                var other = _place._writers.Single(writer => writer != this);
                for (var i = _place._random.Next(1, 4); i > 0; i--)
                {
                    other.DoAsync().GetAwaiter().GetResult();
                }

                _place._isNested = false;
            }

            private async Task NoteStateAsync()
            {
                var state = Hash(_scene.Source.Serialize());
                foreach (var key in _scene.Spool.ListCaptures().Select(name => Spool.CaptureOf(name.MaxTxid))
                    .Concat(_scene.Spool.ListImages().Select(Spool.ImageOf))
                    .Where(key => key.Name.MaxTxid == _scene.Position.Txid))
                {
                    await using var content = _scene.Spool.OpenRead(key);
                    _place._states[Convert.ToHexString(await SHA256.HashDataAsync(content, Token))] = state;
                }
            }
        }
    }
}
