using Tidemark.Cli.Configuration;

namespace Tidemark.Cli.Tests.Configuration;

public sealed class EnvironmentExpansionTests
{
    [Theory]
    [InlineData("path: $DIR/db", "path: /data/db")]
    [InlineData("path: ${DIR}db", "path: /datadb")]
    [InlineData("path: $DIRECTORY", "path: ")]
    [InlineData("$UNSET${UNSET}", "")]
    [InlineData("pid-$PID", "pid-42")]
    [InlineData("a$$b$1c", "abc")]
    [InlineData("a$ b$", "a$ b$")]
    [InlineData("a$/b$.c", "a$/b$.c")]
    [InlineData("a${}b", "ab")]
    [InlineData("a${b", "ab")]
    [InlineData("${DIR:-x}", "")]
    [InlineData("# $DIR", "# /data")]
    public void Variables_are_replaced_wherever_they_stand(string text, string expanded)
        => Assert.Equal(expanded, EnvironmentExpansion.Expand(text, name => name switch { "DIR" => "/data", "PID" => "42", _ => null }));

    [Theory]
    [InlineData("a: 1\nb: $UNSET/x", "2 $UNSET is not set: left empty")]
    [InlineData("b: '${UNSET}'", "1 ${UNSET} is not set: left empty")]
    [InlineData("b: ${DIR:-/x}", "1 ${DIR:-/x} is no variable that is set, and nothing else stands for it here: left empty")]
    [InlineData("b: pa$$word", "1 $$ is taken for a variable and left out; -no-expand-env leaves the text as it is")]
    [InlineData("b: pa$1", "1 $1 is taken for a variable and left out; -no-expand-env leaves the text as it is")]
    [InlineData("b: a${}b", "1 ${} names no variable: left out; -no-expand-env leaves the text as it is")]
    [InlineData("b: a${b", "1 ${ names no variable: left out; -no-expand-env leaves the text as it is")]
    [InlineData("b: 'x # $UNSET'", "1 $UNSET is not set: left empty")]
    [InlineData("b: x#$UNSET", "1 $UNSET is not set: left empty")]
    public void What_vanishes_is_told_with_its_line(string text, string told) => Assert.Equal([told], Told(text));

    [Theory]
    [InlineData("a: $DIR $EMPTY $PID")]
    [InlineData("# $UNSET")]
    [InlineData("a: 1 # ${UNSET}")]
    [InlineData("a: \"it's\" # ${UNSET}")]
    [InlineData("a: costs 5$ or $.")]
    public void What_stays_or_stands_in_a_comment_is_not(string text) => Assert.Empty(Told(text));

    [Fact]
    public void The_number_of_the_process_is_a_variable()
        => Assert.Equal($"p{Environment.ProcessId}", EnvironmentExpansion.Expand("p$PID", _ => null));

    private static List<string> Told(string text)
    {
        var told = new List<string>();
        EnvironmentExpansion.Expand(
            text,
            name => name switch { "DIR" => "/data", "EMPTY" => "", _ => null },
            (line, what, why) => told.Add($"{line} {what} {why}"));
        return told;
    }
}
