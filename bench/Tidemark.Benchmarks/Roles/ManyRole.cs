using Tidemark.Benchmarks.Workloads;

namespace Tidemark.Benchmarks.Roles;

/// <summary>Captures every database of a folder and keeps all of them open, at rest.</summary>
internal static class ManyRole
{
    public static void Run(string folder)
    {
        var engines = new List<Engine>();
        foreach (var path in Directory.EnumerateFiles(folder, "*.db"))
        {
            var engine = new Engine(path, path + "-spool");
            engine.Capture();
            engines.Add(engine);
        }

        // What is left over from the first images is not at rest.
        GC.Collect();
        var handles = new DirectoryInfo("/proc/self/fd").EnumerateFiles().Count();
        Console.Error.WriteLine($"{engines.Count} databases: {handles} handles, {Environment.WorkingSet / 1000} KB resident");
        engines.ForEach(engine => engine.Dispose());
    }
}
