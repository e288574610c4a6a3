namespace Tidemark.Benchmarks.Workloads;

/// <summary>A folder for the files of one run, which is removed at the end.</summary>
internal sealed class Workspace : IDisposable
{
    /// <summary>Names the disk to measure on; the system's folder for temporary files by default, which may lie in memory.</summary>
    public const string FolderVariable = "TIDEMARK_BENCH_FOLDER";

    public Workspace()
    {
        var parent = Environment.GetEnvironmentVariable(FolderVariable) is { Length: > 0 } folder ? folder : Path.GetTempPath();
        Folder = Path.Combine(parent, $"tidemark-bench-{Environment.ProcessId}");
        Directory.CreateDirectory(Folder);
    }

    public string Folder { get; }

    /// <summary>A path in the folder.</summary>
    public string this[string name] => Path.Combine(Folder, name);

    /// <summary>Removes files, with what SQLite keeps beside them, and folders.</summary>
    public void Remove(params ReadOnlySpan<string> names)
    {
        foreach (var name in names)
        {
            if (Directory.Exists(this[name]))
            {
                Directory.Delete(this[name], recursive: true);
                continue;
            }

            foreach (var suffix in (ReadOnlySpan<string>)["", "-wal", "-shm", "-journal"])
            {
                File.Delete(this[name] + suffix);
            }
        }
    }

    public void Dispose() => Directory.Delete(Folder, recursive: true);
}
