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
}
