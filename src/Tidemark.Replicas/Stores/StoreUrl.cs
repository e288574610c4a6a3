using System.Buffers;
using System.Globalization;
using System.Text;

namespace Tidemark.Replicas.Stores;

/// <summary>The URL of a replica, taken apart.</summary>
/// <remarks>
/// <para>It is read as Litestream reads it, so that one configuration finds the same files with both programs. For <c>file</c> URLs that
/// means: the query is dropped; a host belongs to the path (<c>file://a/b</c> is <c>/a/b</c>); <c>.</c>, <c>..</c> and doubled slashes are
/// resolved; and the path stays percent-encoded. <c>file:///my%20files</c> is the folder <c>/my%20files</c>, and so is <c>file:///my
/// files</c>, since characters that a URL cannot hold are encoded.</para>
/// </remarks>
public sealed record StoreUrl
{
    private const string LettersAndDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

    private static readonly SearchValues<char> s_schemeCharacters = SearchValues.Create(LettersAndDigits + "+-.");

    /// <summary>What may stand in a path as it is. The encoding itself writes the last seven of them as percent escapes.</summary>
    private static readonly SearchValues<char> s_pathCharacters = SearchValues.Create(LettersAndDigits + WrittenMarks + "!'()*[]");

    private static readonly SearchValues<char> s_writtenCharacters = SearchValues.Create(LettersAndDigits + WrittenMarks);

    private const string WrittenMarks = "-_.~$&+,/:;=@";

    private StoreUrl(string scheme, string path, bool hasHost) => (Scheme, Path, HasHost) = (scheme, path, hasHost);

    /// <summary>The kind of store, in lower case.</summary>
    public string Scheme { get; }

    /// <summary>For <c>file</c>, the folder, which is never the root of the file system.</summary>
    public string Path { get; }

    /// <summary>Whether <see cref="Path"/> begins with what stands where other URLs have a host: likely a relative path, or one slash too
    /// few.</summary>
    public bool HasHost { get; }

    /// <summary>Whether a text looks like the URL of a replica: a word, then <c>://</c>.</summary>
    public static bool IsUrl(string text) => SchemeOf(text) is not null;

    /// <summary>Reads a URL.</summary>
    /// <exception cref="StoreUrlException">It has no scheme, is not a URL, names no folder, or names a kind of store that Tidemark does not
    /// have.</exception>
    public static StoreUrl Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        if (SchemeOf(text) is not { } scheme)
        {
            throw new StoreUrlException(
                $"\"{text}\" is not the URL of a replica: it has no scheme.",
                $"Write {ForFolder(System.IO.Path.GetFullPath(BarePathOf(text)))} for a folder.");
        }

        return scheme switch
        {
            "file" => new StoreUrl(scheme, FolderOf(text), text.AsSpan(scheme.Length + "://".Length) is [not ('/' or '?' or '#'), ..]),
            "s3" or "gs" or "abs" or "oss" or "sftp" or "webdav" or "webdavs" or "nats" => throw new StoreUrlException(
                $"Replicas in {scheme} stores are not supported by this version of Tidemark.", "Use a folder: file:///PATH."),
            _ => throw new StoreUrlException($"\"{scheme}\" is not a kind of replica store.", "Use a folder: file:///PATH."),
        };
    }

    /// <summary>
    /// How messages name a folder: <c>file://</c> and the path. Not encoded, so it reads back as the same folder only where it needs no
    /// encoding.
    /// </summary>
    internal static string ForFolder(string folder) => $"file://{(folder.StartsWith('/') ? "" : "/")}{folder}";

    private static string? SchemeOf(string text)
    {
        var end = text.IndexOf("://", StringComparison.Ordinal);
        return end > 0 && text.AsSpan(0, end).IndexOfAnyExcept(s_schemeCharacters) < 0 ? text[..end].ToLowerInvariant() : null;
    }

    // What somebody means who leaves out the scheme, or the slashes after it as in file:/folder.
    private static string BarePathOf(string text)
    {
        const string Scheme = "file:";
        var path = text.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase) ? text[Scheme.Length..] : text;
        return path.Length == 0 ? "." : path;
    }

    private static string FolderOf(string text)
    {
        var rest = text[(text.IndexOf("://", StringComparison.Ordinal) + 3)..];
        var end = rest.AsSpan().IndexOfAny('?', '#');
        rest = end < 0 ? rest : rest[..end];
        if (rest.Length == 0)
        {
            throw NamesNoFolder(text);
        }

        var path = Encoded(text, rest);
        path = path.StartsWith('/') ? path : "/" + path;
        if (OperatingSystem.IsWindows() && path.Length > 2 && path[2] == ':')
        {
            path = path[1..];
        }

        var folder = System.IO.Path.TrimEndingDirectorySeparator(System.IO.Path.GetFullPath(path));
        return System.IO.Path.GetDirectoryName(folder) is null ? throw NamesNoFolder(text) : folder;
    }

    // More often than anything else, a variable that is not set.
    private static StoreUrlException NamesNoFolder(string url) => new(
        $"\"{url}\" names no folder.",
        "Write file:///PATH with the absolute path of a folder for this replica alone. A variable in it may be empty.");

    /// <summary>The path as it stands when it is well encoded, and its one proper encoding otherwise.</summary>
    private static string Encoded(string url, string path)
    {
        var bytes = Encoding.UTF8.GetBytes(path);
        var decoded = new List<byte>(bytes.Length);
        var isWellEncoded = true;
        for (var i = 0; i < bytes.Length; i++)
        {
            if (bytes[i] != '%')
            {
                isWellEncoded &= s_pathCharacters.Contains((char)bytes[i]);
                decoded.Add(bytes[i]);
            }
            else if (i + 2 < bytes.Length
                && byte.TryParse(bytes.AsSpan(i + 1, 2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var value))
            {
                decoded.Add(value);
                i += 2;
            }
            else
            {
                throw new StoreUrlException(
                    $"\"{url}\" is not a URL: a percent sign is not followed by two hexadecimal digits.", "Write %25 for a percent sign.");
            }
        }

        if (isWellEncoded)
        {
            return path;
        }

        var text = new StringBuilder(path.Length);
        foreach (var value in decoded)
        {
            _ = s_writtenCharacters.Contains((char)value)
                ? text.Append((char)value)
                : text.Append('%').Append(value.ToString("X2", CultureInfo.InvariantCulture));
        }

        return text.ToString();
    }
}
