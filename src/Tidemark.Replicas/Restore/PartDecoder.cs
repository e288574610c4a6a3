using System.Threading.Channels;
using Tidemark.Formats;

namespace Tidemark.Replicas.Restore;

/// <summary>Workers that expand parts, sum up their checksums and hand on their newest pages.</summary>
/// <remarks>
/// <para>Workers are started one by one, as work piles up, so a small database has one.</para>
/// <para>The reader takes jobs back in the order in which it gave them, so a file's checksum can be put together from those of its parts;
/// and it gives no new job before an old one has come back once all are underway, so memory is bounded.</para>
/// </remarks>
internal sealed class PartDecoder : IAsyncDisposable
{
    private readonly IPageSink _sink;
    private readonly int _workersMax;
    private readonly int _jobsMax;
    private readonly Channel<PartJob> _work;
    private readonly Queue<PartJob> _underway = new();
    private readonly Stack<PartJob> _free = new();
    private readonly List<Task> _workers = [];
    private volatile bool _isStopping;

    /// <summary>Hands pages to <paramref name="sink"/>.</summary>
    public PartDecoder(IPageSink sink, int workersMax)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(workersMax, 1);
        (_sink, _workersMax) = (sink, workersMax);

        // Each worker has one part in its hands and one that waits for it, while the reader fills another.
        _jobsMax = (2 * workersMax) + 1;
        _work = Channel.CreateBounded<PartJob>(_jobsMax);
    }

    /// <summary>Whether the checksum of every written page is wanted.</summary>
    public bool SumsPages { get; set; }

    /// <summary>Whether a job is on its way.</summary>
    public bool HasWorkUnderway => _underway.Count > 0;

    /// <summary>Whether there is a job to fill, without taking one back first.</summary>
    public bool HasRoom => _free.Count > 0 || _underway.Count < _jobsMax;

    /// <summary>A job to fill. Only while there is <see cref="HasRoom"/>.</summary>
    public PartJob Rent() => _free.TryPop(out var job) ? job : new PartJob();

    /// <summary>Gives back a job that was not needed, or whose result was taken.</summary>
    public void Return(PartJob job) => _free.Push(job);

    /// <summary>Hands a filled job to the workers.</summary>
    public void Start(PartJob job)
    {
        _underway.Enqueue(job);
        if (_workers.Count < Math.Min(_workersMax, _underway.Count))
        {
            _workers.Add(WorkAsync());
        }

        Invariant.Holds(_work.Writer.TryWrite(job), "There is room in the queue for every job that there can be.");
    }

    /// <summary>Waits for the job that was started first among those that are underway, and takes it back.</summary>
    public async ValueTask<PartJob> TakeBackAsync()
    {
        var job = _underway.Dequeue();
        await job.Done.ConfigureAwait(false);
        return job;
    }

    /// <summary>Ends the workers. When this returns, nobody hands on pages any more.</summary>
    public async ValueTask DisposeAsync()
    {
        _isStopping = true;
        _work.Writer.TryComplete();
        await Task.WhenAll(_workers).ConfigureAwait(false);
    }

    private async Task WorkAsync()
    {
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding); // Off the reader's thread.
        byte[] pages = [];
        ulong[] checksums = [];
        await foreach (var job in _work.Reader.ReadAllAsync().ConfigureAwait(false))
        {
            if (_isStopping)
            {
                continue;
            }

            if (pages.Length < job.Part.ExpandedLength)
            {
                pages = GC.AllocateUninitializedArray<byte>(job.Part.ExpandedLength);
            }

            if (checksums.Length < job.Part.Count)
            {
                checksums = new ulong[job.Part.Count];
            }

            Work(job, pages, checksums);
        }
    }

    private void Work(PartJob job, byte[] pages, ulong[] checksums)
    {
        try
        {
            var sumsPages = SumsPages && job.Runs.Count > 0;
            var crc = job.Part.Decode(pages, sumsPages ? checksums.AsSpan() : default);
            var pagesChecksum = 0UL;
            var pageBytes = job.Part.PageSize.Bytes;
            foreach (var run in job.Runs)
            {
                _sink.Write(
                    job.Part.PageNumbers[run.Index],
                    pages.AsSpan(run.Index * pageBytes, run.Count * pageBytes),
                    sumsPages ? checksums.AsSpan(run.Index, run.Count) : default);
                for (var i = run.Index; sumsPages && i < run.Index + run.Count; i++)
                {
                    pagesChecksum ^= checksums[i];
                }
            }

            job.Complete(crc, pagesChecksum);
        }
        catch (Exception e)
        {
            // Whatever it is, it is thrown on by the one that waits for the job; a worker that dies would let it wait for ever.
            job.Fail(e);
        }
    }
}
