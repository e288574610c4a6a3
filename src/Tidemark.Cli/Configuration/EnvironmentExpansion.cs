using System.Text;

namespace Tidemark.Cli.Configuration;

/// <summary>Puts environment variables into the text of a configuration file, before it is parsed.</summary>
/// <remarks>
/// <c>$NAME</c> and <c>${NAME}</c>; an unset variable is empty. As in a shell without arguments, <c>$1</c>, <c>$$</c> and their like
/// vanish. A <c>$</c> before
/// anything else stays.
/// </remarks>
internal static class EnvironmentExpansion
{
    private const string OneCharacterNames = "*#$@!?-0123456789";

    /// <summary>Replaces every variable.</summary>
    /// <param name="text">The raw text of the file.</param>
    /// <param name="variable">Gives the value of a variable, or null.</param>
    public static string Expand(string text, Func<string, string?> variable)
    {
        var result = new StringBuilder(text.Length);
        for (var index = 0; index < text.Length; index++)
        {
            if (text[index] != '$' || index + 1 == text.Length)
            {
                result.Append(text[index]);
                continue;
            }

            var rest = text.AsSpan(index + 1);
            var (name, length) = NameAt(rest);
            if (length == 0)
            {
                result.Append('$');
                continue;
            }

            if (name.Length > 0)
            {
                result.Append(variable(name));
            }

            index += length;
        }

        return result.ToString();
    }

    // The name after a dollar sign, and how many characters it takes with its braces. An empty name is dropped.
    private static (string Name, int Length) NameAt(ReadOnlySpan<char> rest)
    {
        if (rest[0] == '{')
        {
            var end = rest.IndexOf('}');
            return end < 0 ? ("", 1) : (rest[1..end].ToString(), end + 1);
        }

        if (OneCharacterNames.Contains(rest[0], StringComparison.Ordinal))
        {
            return (rest[..1].ToString(), 1);
        }

        var length = 0;
        while (length < rest.Length && (char.IsAsciiLetterOrDigit(rest[length]) || rest[length] == '_'))
        {
            length++;
        }

        return (rest[..length].ToString(), length);
    }
}
