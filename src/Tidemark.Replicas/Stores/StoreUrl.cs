using System.Buffers;
using System.Globalization;
using System.Text;

namespace Tidemark.Replicas.Stores;

/// <summary>The URL or the path of a replica, taken apart.</summary>
/// <remarks>
/// <para>A text without a scheme is the path of a folder, relative to the working directory unless it is absolute. A <c>file</c> URL names
/// the folder that a person means: percent escapes are decoded, and spaces, umlauts and <c>#</c> stand for themselves, as does a percent
/// sign that
/// is not followed by two hexadecimal digits. <c>file:FOLDER</c> and <c>file://./FOLDER</c> are relative, <c>file://localhost/FOLDER</c> is
/// <c>/FOLDER</c>, and any other host belongs to the path (<c>file://a/b</c> is <c>/a/b</c>), as Litestream has it. What looks like options
/// (<c>?name=value</c>) is dropped. <c>.</c>, <c>..</c> and doubled slashes are resolved.</para>
/// <para>Litestream leaves the path of a <c>file</c> URL percent-encoded: where it has made <c>/my%20files</c>, the URL means <c>/my
/// files</c>. See
/// <see cref="LitestreamPath"/>.</para>
/// </remarks>
public sealed record StoreUrl
{
    private const string LettersAndDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    private const string WrittenMarks = "-_.~$&+,/:;=@";
    private const string Separator = "://";
    private const string FilePrefix = "file:";
    private const string ThisMachine = "localhost/";

    /// <summary>Kinds of stores that scripts may name.</summary>
    private static readonly string[] s_unsupported = ["s3", "gs", "abs", "oss", "sftp", "webdav", "webdavs", "nats"];

    private static readonly SearchValues<char> s_schemeCharacters = SearchValues.Create(LettersAndDigits + "+-.");

    /// <summary>What may stand in a path as it is. Litestream's encoding itself writes the last seven of them as percent escapes.</summary>
    private static readonly SearchValues<char> s_pathCharacters = SearchValues.Create(LettersAndDigits + WrittenMarks + "!'()*[]");

    private static readonly SearchValues<char> s_writtenCharacters = SearchValues.Create(LettersAndDigits + WrittenMarks);

    private static readonly SearchValues<char> s_optionCharacters = SearchValues.Create(LettersAndDigits + "-_");

    private static readonly UTF8Encoding s_strictUtf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    private StoreUrl(string scheme, string path) => (Scheme, Path) = (scheme, path);

    /// <summary>The kind of store, in lower case.</summary>
    public string Scheme { get; }

    /// <summary>For <c>file</c>, the folder, which is never the root of the file system.</summary>
    public string Path { get; }

    /// <summary>The folder that Litestream makes of the same URL, where that is another one. Null where it is the same.</summary>
    public string? LitestreamPath { get; private init; }

    /// <summary>Whether <see cref="Path"/> begins with what stands where other URLs have a host: likely a relative path, or one slash too
    /// few.</summary>
    public bool HasHost { get; private init; }

    /// <summary>The options that were dropped, with their question mark; null when there were none.</summary>
    public string? Options { get; private init; }

    /// <summary>Whether a text looks like a URL and not like a path: a word, then <c>://</c>, or <c>file:</c>.</summary>
    public static bool IsUrl(string text) => SchemeOf(text) is not null || IsFile(text);

    /// <summary>Reads a URL, or the path of a folder.</summary>
    /// <exception cref="StoreUrlException">It is not a URL, names no folder, or names a kind of store that Tidemark does not
    /// have.</exception>
    public static StoreUrl Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        if (IsFile(text))
        {
            return ParseFile(text);
        }

        if (SchemeOf(text) is { } scheme)
        {
            throw s_unsupported.Contains(scheme) ? Unsupported(scheme)
                : new StoreUrlException($"\"{scheme}\" is not a kind of replica store.", "Use a folder: file:///PATH.");
        }

        // A slash too few must not make a folder of that name, where the replica would lie unnoticed.
        if (Array.Find(s_unsupported, kind => text.StartsWith($"{kind}:", StringComparison.OrdinalIgnoreCase)
            || text.StartsWith($"{kind}//", StringComparison.OrdinalIgnoreCase)) is { } meant)
        {
            throw Unsupported(meant);
        }

        return text.Length == 0 || text.Contains(Separator, StringComparison.Ordinal)
            ? throw new StoreUrlException(
                $"\"{text}\" is not the URL of a replica: it has no scheme.", "Write file:///PATH for a folder, or its path alone.")
            : new StoreUrl("file", FolderOf(text, text));
    }

    /// <summary>How messages name a folder: <c>file://</c> and the path. It reads back as the same folder.</summary>
    internal static string ForFolder(string folder)
    {
        var path = folder.Replace("%", "%25", StringComparison.Ordinal).Replace("?", "%3F", StringComparison.Ordinal);
        return $"file://{(path.StartsWith('/') ? "" : "/")}{path}";
    }

    private static bool IsFile(string text) => text.StartsWith(FilePrefix, StringComparison.OrdinalIgnoreCase);

    private static string? SchemeOf(string text)
    {
        var end = text.IndexOf(Separator, StringComparison.Ordinal);
        return end > 0 && text.AsSpan(0, end).IndexOfAnyExcept(s_schemeCharacters) < 0 ? text[..end].ToLowerInvariant() : null;
    }

    private static StoreUrlException Unsupported(string scheme) => new(
        $"Replicas in {scheme} stores are not supported by this version of Tidemark.", "Use a folder: file:///PATH.");

    private static StoreUrl ParseFile(string text)
    {
        var (written, options) = SplitOptions(text[FilePrefix.Length..]);
        if (!written.StartsWith("//", StringComparison.Ordinal))
        {
            return new StoreUrl("file", FolderOf(text, Decoded(text, written))) { Options = options };
        }

        written = written[2..];
        if (written is "." or ".." or ['.', '/', ..] or ['.', '.', '/', ..])
        {
            return new StoreUrl("file", FolderOf(text, Decoded(text, written))) { Options = options };
        }

        var isHere = written.StartsWith(ThisMachine, StringComparison.OrdinalIgnoreCase);
        var hasHost = !isHere && written is [not '/', ..];
        var meant = Decoded(text, isHere ? written[(ThisMachine.Length - 1)..] : hasHost ? $"/{written}" : written);
        if (OperatingSystem.IsWindows() && meant is ['/', _, ':', ..])
        {
            meant = meant[1..];
        }

        var folder = FolderOf(text, meant);
        var encoded = Encoded(written) is { } path ? FolderOf(text, $"/{path}") : null;
        return new StoreUrl("file", folder)
        {
            HasHost = hasHost,
            Options = options,
            LitestreamPath = encoded == folder || OperatingSystem.IsWindows() ? null : encoded,
        };
    }

    private static (string Path, string? Options) SplitOptions(string text)
    {
        for (var mark = text.IndexOf('?'); mark >= 0; mark = text.IndexOf('?', mark + 1))
        {
            var name = text.AsSpan(mark + 1);
            if (name.IndexOfAnyExcept(s_optionCharacters) is var end and > 0 && name[end] == '=')
            {
                return (text[..mark], text[mark..]);
            }
        }

        return (text, null);
    }

    private static string FolderOf(string text, string path)
    {
        if (path.Length == 0 || path.Contains('\0'))
        {
            throw NamesNoFolder(text);
        }

        var folder = System.IO.Path.TrimEndingDirectorySeparator(System.IO.Path.GetFullPath(path));
        return System.IO.Path.GetDirectoryName(folder) is null ? throw NamesNoFolder(text) : folder;
    }

    // More often than anything else, a variable that is not set.
    private static StoreUrlException NamesNoFolder(string url) => new(
        $"\"{url}\" names no folder.",
        "Write file:///PATH with the absolute path of a folder for this replica alone. A variable in it may be empty.");

    private static string Decoded(string url, string path)
    {
        try
        {
            return s_strictUtf8.GetString([.. BytesOf(path).Select(part => part.Value)]);
        }
        catch (ArgumentException e) when (e is DecoderFallbackException)
        {
            throw new StoreUrlException(
                $"\"{url}\" does not name a folder: what its percent escapes stand for is not UTF-8.", 
                "Write the path of the folder itself.");
        }
    }

    /// <summary>What Litestream makes of a path: the path as it stands when it is well encoded, and its one proper encoding otherwise.
    /// Null for
    /// what it does not take for a path.</summary>
    private static string? Encoded(string path)
    {
        var bytes = BytesOf(path);
        if (path.AsSpan().ContainsAny('?', '#') || bytes.Any(part => part is { Value: (byte)'%', IsEscaped: false }))
        {
            return null;
        }

        if (bytes.All(part => part.IsEscaped || s_pathCharacters.Contains((char)part.Value)))
        {
            return path;
        }

        var text = new StringBuilder(path.Length);
        foreach (var (value, _) in bytes)
        {
            _ = s_writtenCharacters.Contains((char)value)
                ? text.Append((char)value)
                : text.Append('%').Append(value.ToString("X2", CultureInfo.InvariantCulture));
        }

        return text.ToString();
    }

    private static List<(byte Value, bool IsEscaped)> BytesOf(string path)
    {
        var bytes = Encoding.UTF8.GetBytes(path);
        var decoded = new List<(byte, bool)>(bytes.Length);
        for (var i = 0; i < bytes.Length; i++)
        {
            var isEscaped = bytes[i] == '%' && i + 2 < bytes.Length
                && char.IsAsciiHexDigit((char)bytes[i + 1]) && char.IsAsciiHexDigit((char)bytes[i + 2]);
            decoded.Add(isEscaped
                ? (byte.Parse(bytes.AsSpan(i + 1, 2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture), true)
                : (bytes[i], false));
            i += isEscaped ? 2 : 0;
        }

        return decoded;
    }
}
