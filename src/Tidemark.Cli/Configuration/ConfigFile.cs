using System.Text;
using Tidemark.Replicas.Files;

namespace Tidemark.Cli.Configuration;

/// <summary>Reads the text of a configuration file, which may be a pipe.</summary>
internal static class ConfigFile
{
    private const int BytesMax = 16 * 1024 * 1024;
    private const int BufferBytes = 16 * 1024;

    private static readonly UTF8Encoding s_utf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);
    private static readonly UnicodeEncoding s_utf16 = new(bigEndian: false, byteOrderMark: false, throwOnInvalidBytes: true);
    private static readonly UnicodeEncoding s_utf16BigEndian = new(bigEndian: true, byteOrderMark: false, throwOnInvalidBytes: true);

    /// <summary>Reads to the end.</summary>
    /// <exception cref="ConfigException">There is no such file, or it is not text.</exception>
    public static string Read(string path, IFileSystem files)
    {
        if (files.DirectoryExists(path))
        {
            throw new ConfigException($"config file is a folder: {path}", "Name the file in it.");
        }

        if (!files.FileExists(path))
        {
            throw new ConfigException($"config file not found: {path}",
                "Name one with -config, or give the database and its replica as arguments.");
        }

        return Decode(files.TryGetStatus(path) is { Kind: not FileKind.File } ? ReadPipe(path) : ReadFile(path, files), path);
    }

    /// <summary>Makes text of the bytes of a file: UTF-8, or what its byte-order mark says.</summary>
    /// <exception cref="ConfigException">They are not text.</exception>
    internal static string Decode(ReadOnlySpan<byte> bytes, string path)
    {
        var (encoding, markLength) = bytes switch
        {
            [0xEF, 0xBB, 0xBF, ..] => ((Encoding)s_utf8, 3),
            [0xFF, 0xFE, ..] => (s_utf16, 2),
            [0xFE, 0xFF, ..] => (s_utf16BigEndian, 2),
            _ => (s_utf8, 0),
        };
        var content = bytes[markLength..];
        try
        {
            var text = encoding.GetString(content).TrimStart('\uFEFF');
            return text.Contains('\0')
                ? throw new ConfigException($"{path}: is not text, or UTF-16 without a byte-order mark", "Save it as UTF-8.")
                : text;
        }
        catch (DecoderFallbackException e)
        {
            // Taken as something else, a path would silently be another one.
            var line = content[..Math.Clamp(e.Index, 0, content.Length)].Count((byte)'\n') + 1;
            throw new ConfigException($"{path}:{line}: is not {encoding.WebName} text", "Save the file as UTF-8.", e);
        }
    }

    private static byte[] ReadFile(string path, IFileSystem files)
    {
        using var file = Open(path, files);
        if (file.Length > BytesMax)
        {
            throw TooLarge(path);
        }

        var bytes = new byte[file.Length];
        return bytes[..file.Read(0, bytes)];
    }

    private static byte[] ReadPipe(string path)
    {
#pragma warning disable RS0030 // A pipe has no offsets, by which the files of IFileSystem are read.
        using var pipe = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
#pragma warning restore RS0030
        using var content = new MemoryStream();
        var buffer = new byte[BufferBytes];
        while (pipe.Read(buffer) is var count and > 0)
        {
            content.Write(buffer, 0, count);
            if (content.Length > BytesMax)
            {
                throw TooLarge(path);
            }
        }

        return content.ToArray();
    }

    private static ConfigException TooLarge(string path) => new($"{path}: is larger than any configuration file (over {BytesMax} bytes)");

    private static IFile Open(string path, IFileSystem files)
    {
        try
        {
            return files.Open(path, FileMode.Open, FileAccess.Read);
        }
        catch (UnauthorizedAccessException e)
        {
            throw new ConfigException($"cannot read config file: {path}", "Give the user that runs Tidemark the right to read it.", e);
        }
    }
}
