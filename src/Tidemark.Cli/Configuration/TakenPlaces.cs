using Tidemark.Replicas.Files;

namespace Tidemark.Cli.Configuration;

/// <summary>The databases, spools and destinations that are named so far, each with the part of the file system that is its own. Two
/// writers in
/// one replica, or two captures of one database, would each undo what the other does.</summary>
/// <param name="files">The files of this machine: a place can be named in several ways.</param>
internal sealed class TakenPlaces(IFileSystem files)
{
    /// <summary>By the mark of the place.</summary>
    private readonly Dictionary<string, Place> _places = [];

    /// <summary>A place below each folder that has one below it, by the mark of the folder.</summary>
    private readonly Dictionary<string, Place> _below = [];

    /// <summary>Takes a database.</summary>
    /// <param name="path">Absolute.</param>
    /// <returns>What is wrong with it; null when nothing is.</returns>
    public string? TakeDatabase(string path)
        => Take(path, new Place(path, "a database", $"in the place of the database {path}", "is listed twice"));

    /// <summary>Takes the folder in which a database's captures wait.</summary>
    /// <param name="folder">Absolute.</param>
    /// <returns>What is wrong with it; null when nothing is.</returns>
    public string? TakeSpool(string folder)
        => Take(folder, new Place(folder, "a spool", $"in the spool {folder}", "is the spool of two databases"));

    /// <summary>Takes a destination.</summary>
    /// <param name="folder">The folder of the replica.</param>
    /// <returns>What is wrong with it; null when nothing is.</returns>
    public string? TakeDestination(string folder)
    {
        folder = Path.TrimEndingDirectorySeparator(Path.GetFullPath(folder));

        // The folder of a replica may have others in it, beside ltx.
        return Take(
            Path.Combine(folder, "ltx"),
            new Place(folder, "a destination", $"among the files of the destination {folder}", "is a destination twice"));
    }

    private string? Take(string area, Place place)
    {
        var marks = RealPlace.MarksOf(area, files);
        var problem = _places.TryGetValue(marks[0], out var same) ? place.SameAs(same)
            : marks.Skip(1).Select(mark => _places.GetValueOrDefault(mark)).FirstOrDefault(other => other is not null) is { } outer
                ? place.In(outer)
            : _below.TryGetValue(marks[0], out var inner) ? inner.In(place)
            : null;
        _places.TryAdd(marks[0], place);
        foreach (var mark in marks.Skip(1))
        {
            _below.TryAdd(mark, place);
        }

        return problem;
    }

    /// <summary>Something that was named.</summary>
    /// <param name="Path">As it was named.</param>
    /// <param name="Kind">What it is.</param>
    /// <param name="Inside">Where that is which lies in it.</param>
    /// <param name="Twice">What it does when it was named before.</param>
    private sealed record Place(string Path, string Kind, string Inside, string Twice)
    {
        public string SameAs(Place other)
            => other.Kind != Kind ? In(other)
                : Path == other.Path ? $"{Path} {Twice}"
                : $"{Path} {Twice}: {other.Path} leads to the same place";

        public string In(Place outer)
            => Path == outer.Path ? $"{Path} is {Kind}, and {outer.Kind} too" : $"{Path} lies {outer.Inside}";
    }
}
