using System.Security.Cryptography;
using Tidemark.Testing;

namespace Tidemark.Interop.Tests;

/// <summary>The files of a replica in a folder: name relative to it, and hash.</summary>
internal static class ReplicaFiles
{
    public static SortedDictionary<string, string> Hash(string replica)
        => new(
            Directory.EnumerateFiles(replica, "*", SearchOption.AllDirectories).ToDictionary(
                path => Path.GetRelativePath(replica, path),
                path => Convert.ToHexStringLower(SHA256.HashData(PlainFile.Read(path)))),
            StringComparer.Ordinal);
}
