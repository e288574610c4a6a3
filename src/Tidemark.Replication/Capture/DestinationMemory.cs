using System.Globalization;
using System.Text;
using Tidemark.Formats;
using Tidemark.Formats.Database;
using Tidemark.Replicas.Files;

namespace Tidemark.Replication.Capture;

/// <summary>What each destination of a spool held when it was noted last, in a file of the spool, so that one that is empty or older after
/// a restart is not taken for a new one.</summary>
/// <remarks>
/// <para>Noted now and then and not after every file: a memory that is a little old tells an emptied place too. Destinations that are not
/// configured any more stay in it.</para>
/// <para>The text form, each line ended by a line feed; a minus where the checksum is not known:</para>
/// <code>
///   tidemark-destinations 1
///   writer 4f1d0c9a86e2b573
///   held 000000000000002a 9be0177d2c5a4e60 4f1d0c9a86e2b573 2026-11-24T10:00:00Z file:///backup/app
///   crc64 1c0d9a77aa31f2e4
/// </code>
/// <para>The CRC covers all lines before it: a file that is torn or damaged is no memory. Destinations write from their own threads.</para>
/// </remarks>
/// <param name="files">The files of this machine.</param>
/// <param name="path">The file.</param>
/// <param name="temporaryPath">Where it is written before it takes the place of the old one.</param>
internal sealed class DestinationMemory(IFileSystem files, string path, string temporaryPath)
{
    private const string Head = "tidemark-destinations 1";
    private const string Unknown = "-";
    private const string TimeFormat = "yyyy-MM-dd'T'HH:mm:ss'Z'";
    private const int SizeMax = 1 << 20;

    private readonly Lock _gate = new();
    private (Lineage Writer, Dictionary<string, RememberedState> States)? _content;

    /// <summary>Whose spool this is; none before anything was noted.</summary>
    public Lineage Writer
    {
        get
        {
            lock (_gate)
            {
                return Content().Writer;
            }
        }
    }

    /// <summary>What a destination held, or null when nothing was ever noted of it.</summary>
    public RememberedState? Find(string destination)
    {
        lock (_gate)
        {
            return Content().States.GetValueOrDefault(OneLine(destination));
        }
    }

    /// <summary>Notes what a destination holds. Durable when this returns.</summary>
    /// <exception cref="IOException">It cannot be written; what was noted before stays.</exception>
    public void Note(Lineage writer, string destination, RememberedState state)
    {
        lock (_gate)
        {
            var states = new Dictionary<string, RememberedState>(Content().States, StringComparer.Ordinal)
            {
                [OneLine(destination)] = state,
            };
            try
            {
                using (var file = files.Open(temporaryPath, FileMode.Create, FileAccess.ReadWrite))
                {
                    file.Write(0, Encoding.UTF8.GetBytes(Format(writer, states)));
                    file.Sync();
                }

                files.Move(temporaryPath, path);
            }
            catch
            {
                DeleteQuietly(temporaryPath);
                throw;
            }

            _content = (writer, states);
            files.SyncDirectory(Path.GetDirectoryName(path)!);
        }
    }

    private void DeleteQuietly(string temporary)
    {
        try
        {
            files.Delete(temporary);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Removed when the spool is opened next; the reason why it could not be written is the one to report.
        }
    }

    private (Lineage Writer, Dictionary<string, RememberedState> States) Content()
        => _content ??= Read() is { } text && TryParse(text) is { } read ? read : (Lineage.None, new(StringComparer.Ordinal));

    private string? Read()
    {
        if (!files.FileExists(path))
        {
            return null;
        }

        using var file = files.Open(path, FileMode.Open, FileAccess.Read);
        var bytes = new byte[Math.Min(file.Length, SizeMax)];
        return Encoding.UTF8.GetString(bytes, 0, file.Read(0, bytes));
    }

    private static string Format(Lineage writer, Dictionary<string, RememberedState> states)
    {
        var text = new StringBuilder().Append(CultureInfo.InvariantCulture, $"{Head}\nwriter {writer}\n");
        foreach (var (name, state) in states.OrderBy(entry => entry.Key, StringComparer.Ordinal))
        {
            var checksum = state.Checksum is { } known ? known.Value.ToString("x16", CultureInfo.InvariantCulture) : Unknown;
            var time = state.NotedAt.UtcDateTime.ToString(TimeFormat, CultureInfo.InvariantCulture);
            text.Append(CultureInfo.InvariantCulture, $"held {state.Txid} {checksum} {state.Lineage} {time} {name}\n");
        }

        var lines = text.ToString();
        return lines + EndOf(lines);
    }

    private static (Lineage Writer, Dictionary<string, RememberedState> States)? TryParse(string text)
    {
        var states = new Dictionary<string, RememberedState>(StringComparer.Ordinal);
        var end = text.LastIndexOf("crc64 ", StringComparison.Ordinal);
        if (end < 0 || text[end..] != EndOf(text[..end]))
        {
            return null;
        }

        if (text[..end].Split('\n') is not [Head, var writer, .. var lines, ""]
            || writer.Split(' ') is not ["writer", var ownText]
            || TryParseHex(ownText) is not { } own)
        {
            return null;
        }

        foreach (var line in lines)
        {
            if (line.Split(' ', 6) is not ["held", var txidText, var checksumText, var lineageText, var timeText, var name]
                || TryParseHex(txidText) is not { } txid
                || TryParseHex(lineageText) is not { } lineage
                || !DateTimeOffset.TryParseExact(
                    timeText, TimeFormat, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var notedAt))
            {
                return null;
            }

            var checksum = TryParseHex(checksumText) is { } known ? new DatabaseChecksum(known) : (DatabaseChecksum?)null;
            states[name] = new RememberedState(new Txid(txid), checksum, new Lineage(lineage), notedAt);
        }

        return (new Lineage(own), states);
    }

    private static ulong? TryParseHex(string text)
        => ulong.TryParse(text, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var value) ? value : null;

    private static string EndOf(string lines)
        => string.Create(CultureInfo.InvariantCulture, $"crc64 {Crc64Iso.Append(0, Encoding.UTF8.GetBytes(lines)):x16}\n");

    private static string OneLine(string name) => name.ReplaceLineEndings(" ");
}
