using System.Globalization;
using Tidemark.Formats;
using Tidemark.Formats.Compression;
using Tidemark.Formats.Database;
using Tidemark.Replicas.Catalog;
using Tidemark.Replicas.Legacy;
using Tidemark.Replicas.Restore;
using Tidemark.Replicas.Stores;

namespace Tidemark.Replicas.Verification;

/// <summary>Checks a v0.3 replica without writing to it: every file for itself, how the files follow each other, and whether a state can be
/// restored.</summary>
/// <remarks>
/// Reads every file once, and those of the asked-for state once more, put together as a restore does it. The format has no checksum of the
/// database, so one thing cannot be seen: that the last parts of a WAL are lost, while a later WAL is there. Memory is a few buffers.
/// Thread-safe: it has no state.
/// </remarks>
/// <param name="source">The replica.</param>
/// <param name="time">The clock.</param>
public sealed class LegacyVerifyStep(ILegacyReplicaSource source, TimeProvider time)
{
    private const int BufferSizeBytes = 1 << 20;
    private const string BringBack = "Bring the file back from another copy of the replica.";

    /// <summary>Verifies. What is wrong with the replica is told by the report.</summary>
    /// <param name="target">The state that must be restorable; not a TXID, which such a replica does not have.</param>
    /// <param name="options">How. <see cref="VerifyOptions.Targets"/> and <see cref="VerifyOptions.IncludesSnapshots"/> are not looked at.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <exception cref="ReplicaStoreException">The store cannot be listed, or does not answer, so that nothing is known.</exception>
    /// <exception cref="RestoreOutputException">A database cannot be written to <see cref="VerifyOptions.Scratch"/>.</exception>
    public async ValueTask<LegacyVerificationReport> RunAsync(
        RestoreTarget target, VerifyOptions options, CancellationToken cancellationToken)
    {
        var files = await source.ListLegacyAsync(cancellationToken).ConfigureAwait(false);
        var walk = new Walk(source, options.Progress, files.Sum(file => file.SizeBytes));
        var generations = new List<LegacyGeneration>();
        foreach (var generation in files.GroupBy(file => file.Key.Generation).OrderBy(generation => generation.Max(file => file.Created)))
        {
            generations.Add(await walk.RunAsync(generation.Key, [.. generation], cancellationToken).ConfigureAwait(false));
        }

        var report = new LegacyVerificationReport { Generations = generations, Findings = walk.Findings, Target = target };
        LegacyRestorePlan? plan = null;
        try
        {
            plan = LegacyRestorePlan.From(files, target);
            return await CheckAsync(report with { Plan = plan }, plan, options, cancellationToken).ConfigureAwait(false);
        }
        catch (TidemarkException e) when (e is not RestoreOutputException && !e.IsTransient)
        {
            return report with { Plan = plan, Failure = e };
        }
    }

    private async ValueTask<LegacyVerificationReport> CheckAsync(
        LegacyVerificationReport report, LegacyRestorePlan plan, VerifyOptions options, CancellationToken cancellationToken)
    {
        if (options.Scratch is not { } scratch)
        {
            using var nothing = new FirstBytesFile();
            var replay = new LegacyReplay(source, plan, nothing, source.Name, options.Progress);
            await replay.RunAsync(cancellationToken).ConfigureAwait(false);
            return report with { DatabaseSizeBytes = (long)replay.Pages * replay.PageSize.Bytes };
        }

        IReadOnlyList<string> left = [];
        try
        {
            var restored = await new LegacyRestoreStep(source, scratch.Files, time).RunAsync(
                plan,
                new RestoreOptions
                {
                    OutputPath = scratch.Path,
                    Inspect = async (path, token) => left = await scratch.Inspect(path, token).ConfigureAwait(false),
                    Progress = options.Progress,
                },
                cancellationToken).ConfigureAwait(false);
            return report with { DatabaseSizeBytes = restored.SizeBytes, Unchecked = left };
        }
        finally
        {
            scratch.Files.Delete(scratch.Path);
        }
    }

    /// <summary>Reads all files, generation by generation.</summary>
    private sealed class Walk(ILegacyReplicaSource source, IProgress<RestoreProgress>? progress, long bytesTotal)
    {
        private readonly byte[] _buffer = new byte[BufferSizeBytes];
        private readonly List<LegacyFinding> _findings = [];
        private long _bytesRead;

        public IReadOnlyList<LegacyFinding> Findings => _findings;

        public async ValueTask<LegacyGeneration> RunAsync(
            string name, IReadOnlyList<LegacyFileInfo> files, CancellationToken cancellationToken)
        {
            var usable = new HashSet<LegacyFileKey>();
            PageSize? pageSize = null;
            foreach (var snapshot in files.Where(file => file.Key.IsSnapshot).OrderBy(file => file.Key.Index))
            {
                if (await TryReadAsync(snapshot.Key, ReadSnapshotAsync, cancellationToken).ConfigureAwait(false))
                {
                    usable.Add(snapshot.Key);
                }
            }

            foreach (var wal in files.Where(file => !file.Key.IsSnapshot).GroupBy(file => file.Key.Index).OrderBy(wal => wal.Key))
            {
                var parts = wal.Select(part => part.Key).OrderBy(key => key.Offset).ToArray();
                await ReadWalAsync(parts, usable, cancellationToken).ConfigureAwait(false);
            }

            TellOfHoles(name, files);
            DateTimeOffset[] moments = [.. Restorable(files, usable).Select(file => file.Created).Order()];
            return new LegacyGeneration(
                name, files.Count(file => file.Key.IsSnapshot), files.Count(file => !file.Key.IsSnapshot), files.Sum(file => file.SizeBytes),
                moments.Length, moments is [var oldest, ..] ? oldest : null, moments is [.., var newest] ? newest : null);

            async ValueTask ReadSnapshotAsync(Stream content, CancellationToken token)
            {
                var size = await CheckSnapshotAsync(content, token).ConfigureAwait(false);
                pageSize ??= size;
            }

            async ValueTask ReadWalAsync(LegacyFileKey[] parts, HashSet<LegacyFileKey> whole, CancellationToken token)
            {
                var wal = new LegacyWal(pageSize, _buffer);
                var isWhole = true;
                foreach (var key in parts)
                {
                    // What follows a hole cannot be proven, but can be expanded.
                    var isNext = isWhole && key.Offset == wal.Length;
                    if (isWhole && !isNext && (key.Offset != 0 && wal.Length != 0))
                    {
                        Tell(key, key.Offset > wal.Length
                            ? LegacyReplicaException.MissingPart(key, wal.Length, BringBack)
                            : LegacyReplicaException.Overlap(key, wal.Length, "Move the file away."));
                    }

                    isWhole = await TryReadAsync(
                        key,
                        (content, inner) => isNext
                            ? wal.ReadPartAsync(content, (_, _) => { }, null, inner)
                            : DrainAsync(content, inner),
                        token).ConfigureAwait(false) && isNext;
                    if (isWhole)
                    {
                        whole.Add(key);
                    }
                }

                if (isWhole && wal.Commit == 0)
                {
                    whole.Remove(parts[^1]);
                    Tell(parts[^1], LegacyReplicaException.Damaged(source.Name, parts[^1], "the WAL ends within a transaction", BringBack));
                }
            }
        }

        /// <summary>WALs that are missing between others, or at the beginning.</summary>
        private void TellOfHoles(string name, IReadOnlyList<LegacyFileInfo> files)
        {
            var wals = files.Where(file => !file.Key.IsSnapshot).OrderBy(file => file.Key.Index).ThenBy(file => file.Key.Offset).ToArray();
            var snapshots = files.Where(file => file.Key.IsSnapshot).Select(file => file.Key.Index).Order().ToArray();
            if (snapshots.Length == 0)
            {
                _findings.Add(new LegacyFinding(
                    true, null, $"The v0.3 generation {name} has no snapshot to begin with: nothing of it can be restored.", BringBack));
                return;
            }

            var before = wals.Count(file => file.Key.Index < snapshots[0]);
            if (before > 0)
            {
                _findings.Add(new LegacyFinding(
                    false, null,
                    string.Create(
                        CultureInfo.InvariantCulture,
                        $"The v0.3 generation {name} has {before} parts of WALs from before its first snapshot; no restore uses them.")));
            }

            uint? reached = null;
            foreach (var key in wals.Select(file => file.Key).Where(key => key.Index >= snapshots[0]))
            {
                if (key.Index == reached)
                {
                    continue;
                }

                var expected = reached is { } index ? index + 1 : snapshots[0];
                if (key.Index > expected && !snapshots.Any(snapshot => snapshot > expected && snapshot == key.Index && reached is null))
                {
                    Tell(key, LegacyReplicaException.MissingWal(name, expected, BringBack));
                }
                else if (key.Offset != 0)
                {
                    Tell(key, LegacyReplicaException.MissingPart(key, 0, BringBack));
                }

                reached = key.Index;
            }
        }

        /// <summary>The files that end states which can be restored.</summary>
        private static HashSet<LegacyFileInfo> Restorable(IReadOnlyList<LegacyFileInfo> files, HashSet<LegacyFileKey> usable)
        {
            var wals = files
                .Where(file => !file.Key.IsSnapshot)
                .GroupBy(file => file.Key.Index)
                .ToDictionary(wal => wal.Key, wal => wal.OrderBy(part => part.Key.Offset).ToArray());
            var found = new HashSet<LegacyFileInfo>();
            foreach (var snapshot in files.Where(file => file.Key.IsSnapshot && usable.Contains(file.Key)))
            {
                found.Add(snapshot);
                var isWhole = true;
                for (var index = snapshot.Key.Index; isWhole && wals.TryGetValue(index, out var parts); index++)
                {
                    var whole = parts.TakeWhile(part => usable.Contains(part.Key)).ToArray();
                    found.UnionWith(whole);
                    isWhole = whole.Length == parts.Length;
                }
            }

            return found;
        }

        private async ValueTask<bool> TryReadAsync(
            LegacyFileKey key, Func<Stream, CancellationToken, ValueTask> read, CancellationToken cancellationToken)
        {
            cancellationToken.ThrowIfCancellationRequested();
            try
            {
                var compressed = await source.OpenLegacyAsync(key, cancellationToken).ConfigureAwait(false);
                var content = new Lz4FrameStream(new CountingStream(compressed, Count));
                await using (content.ConfigureAwait(false))
                {
                    await read(content, cancellationToken).ConfigureAwait(false);
                }

                return true;
            }
            catch (InvalidDataException e)
            {
                Tell(key, LegacyReplicaException.Damaged(source.Name, key, e.Message, BringBack, e));
                return false;
            }
            catch (TidemarkException e) when (!e.IsTransient)
            {
                Tell(key, e);
                return false;
            }
        }

        private async ValueTask<PageSize> CheckSnapshotAsync(Stream content, CancellationToken cancellationToken)
        {
            DatabaseHeader header = default;
            var sizeBytes = 0L;
            int count;
            do
            {
                count = await content.ReadAtLeastAsync(_buffer, _buffer.Length, throwOnEndOfStream: false, cancellationToken)
                    .ConfigureAwait(false);
                if (sizeBytes == 0 && !DatabaseHeader.TryRead(_buffer.AsSpan(0, count), out header))
                {
                    throw new InvalidDataException("it does not begin as a SQLite database");
                }

                sizeBytes += count;
            }
            while (count == _buffer.Length);

            return sizeBytes % header.PageSize.Bytes == 0
                ? header.PageSize
                : throw new InvalidDataException($"it has {sizeBytes} bytes, which are not whole pages of {header.PageSize} bytes");
        }

        private async ValueTask DrainAsync(Stream content, CancellationToken cancellationToken)
        {
            while (await content.ReadAsync(_buffer, cancellationToken).ConfigureAwait(false) > 0)
            {
            }
        }

        private void Count(int count) => progress?.Report(new RestoreProgress(_bytesRead += count, bytesTotal, 0, 0));

        private void Tell(LegacyFileKey key, TidemarkException failure)
            => _findings.Add(new LegacyFinding(true, key, failure.Message, failure.Hint));
    }
}
