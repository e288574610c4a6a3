using System.Text;

namespace Tidemark.Replication.Databases;

/// <summary>What is mounted where, as Linux lists it in <c>/proc/self/mountinfo</c>.</summary>
/// <remarks>https://man7.org/linux/man-pages/man5/proc_pid_mountinfo.5.html</remarks>
internal static class MountTable
{
    private const int OctalDigits = 3;

    /// <summary>The places at which a file of this name may be mounted by itself. Whether it is that file has to be looked at.</summary>
    /// <param name="table">Lines such as <c>63 43 254:0 /srv/app.db /mnt/other.db rw,relatime - ext4 /dev/vda rw</c>: what of the disk is
    /// mounted, and where.</param>
    /// <param name="fileName">The name by which the file is known; the name of what is mounted, or of the place.</param>
    public static IEnumerable<string> FindPlaces(string table, string fileName)
    {
        foreach (var line in table.Split('\n'))
        {
            if (line.Split(' ') is [_, _, _, var mounted, var at, ..] && (HasName(mounted) || HasName(at)))
            {
                yield return Unescape(at);
            }
        }

        bool HasName(string path) => Path.GetFileName(Unescape(path)) == fileName;
    }

    // Spaces, tabs, line ends and backslashes are written as \040 and so on.
    private static string Unescape(string text)
    {
        if (!text.Contains('\\', StringComparison.Ordinal))
        {
            return text;
        }

        var plain = new StringBuilder();
        for (var i = 0; i < text.Length; i++)
        {
            if (text[i] == '\\' && i + OctalDigits < text.Length)
            {
                plain.Append((char)(((text[i + 1] - '0') * 64) + ((text[i + 2] - '0') * 8) + (text[i + OctalDigits] - '0')));
                i += OctalDigits;
            }
            else
            {
                plain.Append(text[i]);
            }
        }

        return plain.ToString();
    }
}
