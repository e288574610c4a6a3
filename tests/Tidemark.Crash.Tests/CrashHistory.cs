using System.Globalization;
using Tidemark.Formats;
using Tidemark.Replicas.Files;
using Tidemark.Replicas.Restore;
using Tidemark.Replicas.Stores;
using Tidemark.Testing;
using Xunit;

namespace Tidemark.Crash.Tests;

/// <summary>
/// The life of one database and its replica: some rounds of writing and killing, each followed by a restore that must equal the
/// source.
/// </summary>
internal sealed class CrashHistory : IAsyncDisposable
{
    private const int RoundsMax = 6;
    private static readonly int[] s_pageSizes = [512, 1024, 4096, 4096, 16384, 65536];

    // How an application uses its database.
    private static readonly string[] s_habits = ["stays", "visits", "request"];

    private readonly int _seed;
    private readonly ITestOutputHelper _output;
    private readonly Random _random;
    private readonly TemporaryFolder _folder = new();
    private readonly int _pageSize;
    private readonly string _habit;
    private readonly ReplicaLedger _ledger;
    private readonly CrashCast _cast;
    private readonly Dictionary<Txid, byte[]> _states = [];
    private bool _hasFailed;

    public CrashHistory(int seed, ITestOutputHelper output)
    {
        (_seed, _output, _random) = (seed, output, new Random(seed));
        _pageSize = s_pageSizes[_random.Next(s_pageSizes.Length)];
        _habit = s_habits[_random.Next(s_habits.Length)];
        _ledger = new ReplicaLedger(ReplicaPath);
        _cast = new CrashCast(_folder.Path, DatabasePath, ReplicaPath, _pageSize, _habit, _random);
    }

    private string DatabasePath => _folder["app.db"];

    private string ReplicaPath => _folder["replica"];

    /// <summary>Runs rounds until there are enough or the time is over.</summary>
    public async Task RunAsync(Func<bool> hasTime, CancellationToken cancellationToken)
    {
        try
        {
            var rounds = _random.Next(2, RoundsMax);
            for (var round = 0; round < rounds && (round == 0 || hasTime()); round++)
            {
                await RunRoundAsync(cancellationToken);
            }

            await AssertOldStatesRestoreAsync(cancellationToken);
            _output.WriteLine(
                $"seed {_seed}: pages of {_pageSize} bytes, an application that {_habit}, {_ledger.Count} captures, "
                + $"{_cast.Kills} kills, {_states.Count} states restored");
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            _hasFailed = true;
            await _cast.KillAllAsync();
            throw new InvalidOperationException(
                $"TIDEMARK_CRASH_SEED={_seed}, pages of {_pageSize} bytes, an application that {_habit}, everything is in {_folder.Path}: "
                + $"{e.Message}\n{_cast.Protocol}",
                e);
        }
    }

    /// <summary>Ends all processes. After a failure the folder stays, so that a person can look at it.</summary>
    public async ValueTask DisposeAsync()
    {
        await _cast.KillAllAsync();
        if (!_hasFailed)
        {
            _folder.Dispose();
        }
    }

    private async Task RunRoundAsync(CancellationToken cancellationToken)
    {
        await _cast.PlayAsync(_ledger, cancellationToken);
        if (!_cast.HasDatabase)
        {
            return;
        }

        await _cast.CatchUpAsync(cancellationToken);
        await _ledger.CheckAsync(cancellationToken);

        // Everybody is gone; the state that the files hold now is the one that must have been shipped.
        var state = SourceState.Read(DatabasePath);
        var (txid, restored) = await RestoreAsync(new RestoreTarget.Latest(), cancellationToken);
        Assert.Equal(_ledger.Newest, txid);
        AssertSamePages(state, restored, "the latest state");
        if (_states.TryGetValue(txid, out var before))
        {
            AssertSamePages(before, restored, $"TXID {txid}, which was the newest one before");
        }

        _states[txid] = state;
    }

    private async Task AssertOldStatesRestoreAsync(CancellationToken cancellationToken)
    {
        foreach (var (txid, state) in _states)
        {
            var (_, restored) = await RestoreAsync(new RestoreTarget.AtTxid(txid), cancellationToken);
            AssertSamePages(state, restored, $"TXID {txid}");
        }
    }

    private async Task<(Txid Txid, byte[] Bytes)> RestoreAsync(RestoreTarget target, CancellationToken cancellationToken)
    {
        var files = PhysicalFileSystem.Instance;
        var options = new RestoreOptions { OutputPath = _folder["restored.db"], Overwrite = true };
        var step = new RestoreStep(new LocalStore(ReplicaPath, files), files, TimeProvider.System);
        var result = await step.RunAsync(target, options, cancellationToken);
        using var file = files.Open(options.OutputPath, FileMode.Open, FileAccess.Read);
        var bytes = new byte[file.Length];
        _ = file.Read(0, bytes);
        return (result.Txid, bytes);
    }

    private void AssertSamePages(byte[] expected, byte[] actual, string what)
    {
        Assert.True(
            expected.Length == actual.Length,
            string.Create(
                CultureInfo.InvariantCulture, $"{what}: {actual.Length / _pageSize} pages instead of {expected.Length / _pageSize}"));
        var different = Enumerable.Range(0, expected.Length / _pageSize)
            .Where(page => !expected.AsSpan(page * _pageSize, _pageSize).SequenceEqual(actual.AsSpan(page * _pageSize, _pageSize)))
            .Select(page => page + 1)
            .ToList();
        Assert.True(
            different.Count == 0,
            $"{what}: {different.Count} of {expected.Length / _pageSize} pages differ: {string.Join(' ', different.Take(20))}");
    }
}
