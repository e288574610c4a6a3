using System.Globalization;
using System.Runtime.CompilerServices;
using Tidemark.Formats;
using Tidemark.Replicas.Catalog;
using Tidemark.Replicas.Stores;

namespace Tidemark.Replication.Upload;

/// <summary>Another store, for which nobody waits for ever: a disk that does not answer, a request that never comes back.</summary>
/// <remarks>
/// <para>A call in which nothing moves is told of after a while, and given up after a longer one; bytes that go back and forth are signs of
/// life. A cancelled call comes back soon, whether or not the other store obeys. Calls run on threads of the pool, since some block.</para>
/// <para>A call that was given up may still be at work. Until it has ended nothing else is asked of the store: what is done twice must not
/// be done at once, and threads that hang must not add up.</para>
/// </remarks>
/// <param name="inner">The other store.</param>
/// <param name="time">The clock.</param>
/// <param name="takesLong">Is told what is waited for, and for how long so far; once for each call.</param>
internal sealed class PatientStore(IReplicaStore inner, TimeProvider time, Action<string, TimeSpan> takesLong) : IReplicaStore
{
    private const int PatienceRounds = 10;
    private const int BufferBytesMax = 64 * 1024;

    // Ten of them without a sign of life are too many. Counted, not measured: a machine that slept was not waiting.
    private static readonly TimeSpan s_round = TimeSpan.FromSeconds(30);

    private static readonly TimeSpan s_obedience = TimeSpan.FromSeconds(2);

    private volatile Unanswered? _unanswered;

    /// <inheritdoc/>
    public string Name => inner.Name;

    /// <inheritdoc/>
    public async IAsyncEnumerable<LtxFileInfo> ListAsync(
        Level level, Txid from, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var files = await AskAsync($"listing level {level}", async (life, token) =>
        {
            var found = new List<LtxFileInfo>();
            await foreach (var file in inner.ListAsync(level, from, token).ConfigureAwait(false))
            {
                life.Show();
                found.Add(file);
            }

            return found;
        }, cancellationToken).ConfigureAwait(false);
        foreach (var file in files)
        {
            yield return file;
        }
    }

    /// <inheritdoc/>
    public async ValueTask<Stream> OpenAsync(LtxFileKey key, long offset, long? length, CancellationToken cancellationToken)
    {
        var content = await AskAsync(
            $"opening {key}", (_, token) => inner.OpenAsync(key, offset, length, token), cancellationToken).ConfigureAwait(false);
        return new PatientStream(this, key, content, (int)Math.Clamp(length ?? BufferBytesMax, 1, BufferBytesMax)); // Many are headers.
    }

    /// <inheritdoc/>
    public ValueTask<LtxFileInfo> WriteAsync(
        LtxFileKey key, DateTimeOffset created, Stream content, CancellationToken cancellationToken)
        => WriteAsync(key, content, (watched, token) => inner.WriteAsync(key, created, watched, token), cancellationToken);

    /// <inheritdoc/>
    public ValueTask<LtxFileInfo> CreateAsync(
        LtxFileKey key, DateTimeOffset created, Stream content, CancellationToken cancellationToken)
        => WriteAsync(key, content, (watched, token) => inner.CreateAsync(key, created, watched, token), cancellationToken);

    /// <inheritdoc/>
    public async ValueTask<string?> ReadClaimAsync(CancellationToken cancellationToken)
        => await AskAsync("reading who writes there", (_, token) => inner.ReadClaimAsync(token), cancellationToken).ConfigureAwait(false);

    /// <inheritdoc/>
    public async ValueTask WriteClaimAsync(string claim, CancellationToken cancellationToken)
        => await AskAsync("writing who writes there", async (_, token) =>
        {
            await inner.WriteClaimAsync(claim, token).ConfigureAwait(false);
            return true;
        }, cancellationToken).ConfigureAwait(false);

    /// <inheritdoc/>
    public async ValueTask DeleteAsync(IReadOnlyCollection<LtxFileKey> keys, CancellationToken cancellationToken)
        => await AskAsync("deleting files", async (_, token) =>
        {
            await inner.DeleteAsync(keys, token).ConfigureAwait(false);
            return true;
        }, cancellationToken).ConfigureAwait(false);

    private async ValueTask<LtxFileInfo> WriteAsync(
        LtxFileKey key,
        Stream content,
        Func<Stream, CancellationToken, ValueTask<LtxFileInfo>> write,
        CancellationToken cancellationToken)
    {
        WatchedContent? watched = null;
        try
        {
            return await AskAsync($"writing {key}", (life, token) =>
            {
                watched = new WatchedContent(content, life.Show);
                return write(watched, token);
            }, cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            watched?.Abandon();
        }
    }

    private async Task<T> AskAsync<T>(
        string what, Func<Life, CancellationToken, ValueTask<T>> call, CancellationToken cancellationToken)
    {
        if (_unanswered is { Call.IsCompleted: false } before)
        {
            throw Failure($"{before.What} still has not come back");
        }

        cancellationToken.ThrowIfCancellationRequested();
        var begun = time.GetTimestamp();
        var life = new Life();
        var end = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var answer = Task.Run(
            async () =>
            {
                life.Begin();
                return await call(life, end.Token).ConfigureAwait(false);
            },
            CancellationToken.None);
        var (isTaken, isTold, silentRounds) = (false, false, 0);
        try
        {
            while (silentRounds < PatienceRounds)
            {
                try
                {
                    var result = await answer.WaitAsync(s_round, time, cancellationToken).ConfigureAwait(false);
                    isTaken = true;
                    return result;
                }
                catch (TimeoutException) when (!answer.IsFaulted)
                {
                    silentRounds = life.IsSilent() && !answer.IsCompleted ? silentRounds + 1 : 0;
                }

                if (silentRounds > 0 && !isTold)
                {
                    isTold = true;
                    takesLong(what, time.GetElapsedTime(begun));
                }
            }

            throw Failure(string.Create(
                CultureInfo.InvariantCulture, $"{what} has not moved for {PatienceRounds * s_round.TotalMinutes:0} minutes"));
        }
        finally
        {
            if (!isTaken)
            {
                await LeaveAsync(what, answer, end).ConfigureAwait(false);
            }

            end.Dispose();
        }
    }

    // What obeys is waited for, so that nothing of it is left.
    private async Task LeaveAsync<T>(string what, Task<T> answer, CancellationTokenSource end)
    {
        await end.CancelAsync().ConfigureAwait(false);
        await Task.WhenAny(answer, Task.Delay(s_obedience, time, CancellationToken.None)).ConfigureAwait(false);
        if (!answer.IsCompleted)
        {
            _unanswered = new Unanswered(what, answer);
        }

        _ = answer.ContinueWith(static late =>
        {
            if (late.IsCompletedSuccessfully)
            {
                (late.Result as IDisposable)?.Dispose(); // Nobody has taken it.
            }

            _ = late.Exception;
        }, CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);
    }

    private ReplicaStoreException Failure(string what)
        => new($"{Name} does not answer: {what}.", "Check the network, or the disk, that it is reached by.") { IsTransient = true };

    private sealed record Unanswered(string What, Task Call);

    /// <summary>The signs of life of a call.</summary>
    private sealed class Life
    {
        private volatile bool _hasBegun;
        private int _isShown;

        /// <summary>There was a thread for it. A busy machine is no store that hangs.</summary>
        public void Begin() => _hasBegun = true;

        public void Show() => Volatile.Write(ref _isShown, 1);

        /// <summary>Whether nothing has moved since this was asked last.</summary>
        public bool IsSilent() => Interlocked.Exchange(ref _isShown, 0) == 0 && _hasBegun;
    }

    /// <summary>A file that is read with the same patience. A read that was given up may still write into its buffer, so that is never the
    /// caller's.</summary>
    private sealed class PatientStream(PatientStore owner, LtxFileKey key, Stream content, int bufferBytes) : Stream
    {
        private readonly byte[] _buffer = new byte[bufferBytes];

        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => false;

        public override long Length => throw new NotSupportedException();

        public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            var part = _buffer.AsMemory(0, Math.Min(buffer.Length, bufferBytes));
            var count = await owner.AskAsync($"reading {key}", (_, token) => content.ReadAsync(part, token), cancellationToken)
                .ConfigureAwait(false);
            part[..count].CopyTo(buffer);
            return count;
        }

        public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken)
            => ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

        public override int Read(byte[] buffer, int offset, int count)
            => ReadAsync(buffer.AsMemory(offset, count), CancellationToken.None).AsTask().GetAwaiter().GetResult();

        public override void Flush()
        {
        }

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        protected override void Dispose(bool disposing)
        {
            if (disposing)
            {
                content.Dispose();
            }

            base.Dispose(disposing);
        }
    }
}
