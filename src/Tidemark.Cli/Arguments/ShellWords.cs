using System.Text;

namespace Tidemark.Cli.Arguments;

/// <summary>Splits a command into words as a shell does: quotes and backslashes, but no variables, patterns or operators.</summary>
internal static class ShellWords
{
    // A command that needs these needs a shell. Cutting it off at the operator, as the original does, runs something else than what was
    // written.
    private const string Operators = ";&|<>()`";

    /// <summary>Splits a command.</summary>
    /// <exception cref="FormatException">A quote is open at the end, an operator stands outside quotes, or there is no word at
    /// all.</exception>
    public static IReadOnlyList<string> Split(string command)
    {
        var words = new List<string>();
        var word = new StringBuilder();
        var isInWord = false;
        var quote = '\0';
        for (var index = 0; index < command.Length; index++)
        {
            var character = command[index];
            if (character == '\\' && quote != '\'')
            {
                if (++index == command.Length)
                {
                    throw new FormatException("ends with a backslash");
                }

                word.Append(command[index]);
                isInWord = true;
            }
            else if (quote != '\0')
            {
                if (character == quote)
                {
                    quote = '\0';
                }
                else
                {
                    word.Append(character);
                }
            }
            else if (character is '\'' or '"')
            {
                quote = character;
                isInWord = true;
            }
            else if (character is ' ' or '\t' or '\r' or '\n')
            {
                FinishWord();
            }
            else if (Operators.Contains(character, StringComparison.Ordinal))
            {
                throw new FormatException($"has {character} outside quotes, which only a shell understands; write sh -c '...'");
            }
            else
            {
                word.Append(character);
                isInWord = true;
            }
        }

        if (quote != '\0')
        {
            throw new FormatException($"has an open {quote}");
        }

        FinishWord();
        return words.Count > 0 ? words : throw new FormatException("is blank");

        void FinishWord()
        {
            if (isInWord)
            {
                words.Add(word.ToString());
                word.Clear();
                isInWord = false;
            }
        }
    }
}
