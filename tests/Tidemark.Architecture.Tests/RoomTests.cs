using System.Runtime.CompilerServices;
using System.Text.RegularExpressions;
using Xunit;

namespace Tidemark.Architecture.Tests;

/// <summary>Holds the sources against ARCHITECTURE.md: which assembly knows which, and in which order the rooms of an assembly
/// stand.</summary>
public sealed partial class RoomTests
{
    /// <summary>Assemblies from the bottom up. An assembly knows only those before it.</summary>
    private static readonly string[] s_assemblies = ["Tidemark.Formats", "Tidemark.Replicas", "Tidemark.Replication", "Tidemark.Cli"];

    /// <summary>Rooms from the bottom up. A room knows only those before it; the root of an assembly may know all of them.</summary>
    private static readonly Dictionary<string, string[]> s_rooms = new()
    {
        ["Tidemark.Formats"] = ["Compression", "Database", "Wal", "Ltx"],
        ["Tidemark.Replicas"] = ["Files", "Catalog", "Stores", "Leases", "Restore", "Follow", "Legacy", "Compaction", "Retention", "Verification"],
        ["Tidemark.Replication"] = ["Databases", "Capture", "Checkpoints", "Images", "Upload", "Health", "Audit", "Scheduling"],
    };

    private static string SourceFolder => Path.Combine(RepositoryRoot(), "src");

    [Fact]
    public void An_assembly_refers_only_to_assemblies_below_it()
    {
        foreach (var project in Directory.EnumerateFiles(SourceFolder, "*.csproj", SearchOption.AllDirectories))
        {
            var name = Path.GetFileNameWithoutExtension(project);
            foreach (Match reference in ProjectReference().Matches(File.ReadAllText(project)))
            {
                var target = reference.Groups["name"].Value;
                Assert.True(
                    Array.IndexOf(s_assemblies, target) < Array.IndexOf(s_assemblies, name),
                    $"{name} refers to {target}, which is not below it.");
            }
        }
    }

    [Fact]
    public void A_room_knows_only_rooms_below_it()
    {
        var seen = 0;
        foreach (var (assembly, rooms) in s_rooms)
        {
            foreach (var room in rooms)
            {
                foreach (var file in Directory.EnumerateFiles(
                    Path.Combine(SourceFolder, assembly, room), "*.cs", SearchOption.AllDirectories))
                {
                    foreach (Match use in Use().Matches(File.ReadAllText(file)))
                    {
                        seen++;
                        var (used, usedRoom) = (use.Groups["assembly"].Value, use.Groups["room"].Value);
                        var isBelow = used != assembly || Array.IndexOf(rooms, usedRoom) <= Array.IndexOf(rooms, room);
                        Assert.True(isBelow, $"{Path.GetRelativePath(SourceFolder, file)} uses {use.Value}, a room above its own.");
                    }
                }
            }
        }

        Assert.True(seen > 100, "The sources were read.");
    }

    [Fact]
    public void Every_folder_of_an_assembly_is_a_room_of_the_map()
    {
        foreach (var (assembly, rooms) in s_rooms)
        {
            var folders = Directory.EnumerateDirectories(Path.Combine(SourceFolder, assembly))
                .Select(folder => Path.GetFileName(folder))
                .Where(name => name is not ("bin" or "obj"));
            Assert.Equal(rooms.Order(), folders.Order());
        }
    }

    [Fact]
    public void Every_document_that_a_page_links_to_exists()
    {
        var root = RepositoryRoot();
        var pages = Directory.EnumerateFiles(root, "*.md")
            .Concat(Directory.EnumerateFiles(Path.Combine(root, "docs"), "*.md", SearchOption.AllDirectories));
        foreach (var page in pages)
        {
            foreach (Match link in Link().Matches(File.ReadAllText(page)))
            {
                var target = Path.Combine(Path.GetDirectoryName(page)!, link.Groups["path"].Value);
                Assert.True(
                    Path.Exists(target),
                    $"{Path.GetRelativePath(root, page)} links to {link.Groups["path"].Value}, which does not exist.");
            }
        }
    }

    private static string RepositoryRoot([CallerFilePath] string thisFile = "")
    {
        // The compiler may have mapped the path of the sources; the folder of the tests lies below the repository either way.
        for (var folder = Path.Exists(thisFile) ? Path.GetDirectoryName(thisFile) : AppContext.BaseDirectory;
            folder is not null;
            folder = Path.GetDirectoryName(folder))
        {
            if (File.Exists(Path.Combine(folder, "Tidemark.slnx")))
            {
                return folder;
            }
        }

        throw new InvalidOperationException("The tests do not lie in the repository.");
    }

    [GeneratedRegex("""ProjectReference Include="[^"]*/(?<name>[A-Za-z.]+)\.csproj""")]
    private static partial Regex ProjectReference();

    [GeneratedRegex(@"(?<assembly>Tidemark\.(?:Formats|Replicas|Replication))\.(?<room>[A-Z]\w+)(?=[.;])")]
    private static partial Regex Use();

    [GeneratedRegex(@"\]\((?<path>[^):#]+)(?:#[^)]*)?\)")]
    private static partial Regex Link();
}
