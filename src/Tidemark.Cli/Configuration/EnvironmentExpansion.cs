using System.Globalization;
using System.Text;

namespace Tidemark.Cli.Configuration;

/// <summary>Puts environment variables into the text of a configuration file, before it is parsed.</summary>
/// <remarks>
/// <c>$NAME</c> and <c>${NAME}</c>; an unset variable is empty, and <c>$PID</c> the number of this process. As in a shell without
/// arguments,
/// <c>$1</c>, <c>$$</c> and their like vanish. A <c>$</c> before anything else stays.
/// </remarks>
internal static class EnvironmentExpansion
{
    private const string OneCharacterNames = "*#$@!?-0123456789";

    /// <summary>Replaces every variable.</summary>
    /// <param name="text">The raw text of the file.</param>
    /// <param name="variable">Gives the value of a variable, or null.</param>
    /// <param name="whenEmpty">Is told of what vanishes outside comments: the line, the text as it stands there, and why.</param>
    public static string Expand(string text, Func<string, string?> variable, Action<long, string, string>? whenEmpty = null)
    {
        var result = new StringBuilder(text.Length);
        for (var index = 0; index < text.Length; index++)
        {
            if (text[index] != '$' || index + 1 == text.Length)
            {
                result.Append(text[index]);
                continue;
            }

            var (name, length) = NameAt(text.AsSpan(index + 1));
            if (length == 0)
            {
                result.Append('$');
                continue;
            }

            var value = name.Length == 0 ? null
                : variable(name) ?? (name == "PID" ? Environment.ProcessId.ToString(CultureInfo.InvariantCulture) : null);
            result.Append(value);
            if (value is null && whenEmpty is not null && !IsInComment(text, index))
            {
                whenEmpty(text.AsSpan(0, index).Count('\n') + 1, text.Substring(index, length + 1), WhyEmpty(name));
            }

            index += length;
        }

        return result.ToString();
    }

    private static string WhyEmpty(string name)
        => name.Length == 0 ? "names no variable: left out; -no-expand-env leaves the text as it is"
            : OneCharacterNames.Contains(name[0], StringComparison.Ordinal)
                ? "is taken for a variable and left out; -no-expand-env leaves the text as it is"
            : name.All(letter => char.IsAsciiLetterOrDigit(letter) || letter == '_') ? "is not set: left empty"
            : "is no variable that is set, and nothing else stands for it here: left empty";

    /// <summary>Whether a place lies behind a <c>#</c> that begins a comment, as far as its line alone tells.</summary>
    private static bool IsInComment(string text, int index)
    {
        char? quote = null;
        for (var i = text.LastIndexOf('\n', index) + 1; i < index; i++)
        {
            if (text[i] is '"' or '\'' && (quote is null || quote == text[i]))
            {
                quote = quote is null ? text[i] : null;
            }
            else if (text[i] == '#' && quote is null && (i == 0 || char.IsWhiteSpace(text[i - 1])))
            {
                return true;
            }
        }

        return false;
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
