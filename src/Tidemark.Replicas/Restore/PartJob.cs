using Tidemark.Formats.Ltx;

namespace Tidemark.Replicas.Restore;

/// <summary>A part of a file on its way from the reader through a worker and back. Used again and again.</summary>
internal sealed class PartJob
{
    private readonly List<PageRun> _runs = [];
    private TaskCompletionSource _done = new();

    /// <summary>The compressed pages.</summary>
    public LtxPart Part { get; } = new();

    /// <summary>The file that the part belongs to.</summary>
    public PlannedFile? File { get; private set; }

    /// <summary>The pages of the part that are the newest of their number. All others are only checked.</summary>
    public IReadOnlyList<PageRun> Runs => _runs;

    /// <summary>Checksum of the part's logical stream, once it is done.</summary>
    public ulong Crc { get; private set; }

    /// <summary>Exclusive-or of the checksums of the pages in <see cref="Runs"/>, once it is done and if it was asked for.</summary>
    public ulong PagesChecksum { get; private set; }

    /// <summary>Ends when a worker is done with the part, and fails if that failed.</summary>
    public Task Done => _done.Task;

    /// <summary>
    /// Prepares the job for the part that was just read: decides which of its pages are the newest. Called in the order of the parts.
    /// </summary>
    public void Begin(PlannedFile file, PageSet written)
    {
        (File, Crc, PagesChecksum) = (file, 0, 0);
        _done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _runs.Clear();
        var pages = Part.PageNumbers;
        for (var i = 0; i < pages.Length; i++)
        {
            if (!written.TryAdd(pages[i]))
            {
                continue;
            }

            if (_runs.Count > 0 && _runs[^1] is var run && run.Index + run.Count == i && pages[i - 1] + 1 == pages[i])
            {
                _runs[^1] = run with { Count = run.Count + 1 };
            }
            else
            {
                _runs.Add(new PageRun(i, 1));
            }
        }
    }

    /// <summary>The part was decoded and its pages are written.</summary>
    public void Complete(ulong crc, ulong pagesChecksum)
    {
        (Crc, PagesChecksum) = (crc, pagesChecksum);
        _done.SetResult();
    }

    /// <summary>Decoding or writing has failed.</summary>
    public void Fail(Exception failure) => _done.SetException(failure);
}
