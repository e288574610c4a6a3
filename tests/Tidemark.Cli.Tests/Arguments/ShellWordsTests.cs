using Tidemark.Cli.Arguments;

namespace Tidemark.Cli.Tests.Arguments;

public sealed class ShellWordsTests
{
    [Theory]
    [InlineData("a b\tc\r\nd", "a|b|c|d")]
    [InlineData("  a   b  ", "a|b")]
    [InlineData("sh -c 'exit 3'", "sh|-c|exit 3")]
    [InlineData("a \"b c\" d", "a|b c|d")]
    [InlineData("a\\ b", "a b")]
    [InlineData("'a\\b'", "a\\b")]
    [InlineData("\"a\\\"b\"", "a\"b")]
    [InlineData("a'b'\"c\"", "abc")]
    [InlineData("a '' b", "a||b")]
    [InlineData("echo $HOME *.db", "echo|$HOME|*.db")]
    [InlineData("sh -c 'a; b | c > d'", "sh|-c|a; b | c > d")]
    public void A_command_is_split_as_a_shell_splits_it(string command, string words)
        => Assert.Equal(words.Split('|', words.Contains("; b", StringComparison.Ordinal) ? 3 : int.MaxValue), ShellWords.Split(command));

    [Theory]
    [InlineData("", "is blank")]
    [InlineData(" \t ", "is blank")]
    [InlineData("a 'b", "has an open '")]
    [InlineData("a \"b", "has an open \"")]
    [InlineData("a \\", "ends with a backslash")]
    [InlineData("a; b", "has ; outside quotes")]
    [InlineData("a | b", "has | outside quotes")]
    [InlineData("a > b", "has > outside quotes")]
    [InlineData("(a)", "has ( outside quotes")]
    public void A_command_that_would_run_as_something_else_is_refused(string command, string reason)
        => Assert.StartsWith(reason, Assert.Throws<FormatException>(() => ShellWords.Split(command)).Message, StringComparison.Ordinal);
}
