using Tidemark.Cli.Arguments;

namespace Tidemark.Cli.Tests.Arguments;

public sealed class FlagSetTests
{
    private readonly FlagSet _flags = new("restore");
    private readonly FlagOf<string> _output;
    private readonly FlagOf<bool> _json;
    private readonly FlagOf<int> _parallelism;

    public FlagSetTests()
    {
        _output = _flags.Text("o", "PATH", "Output.");
        _json = _flags.Switch("json", "JSON.");
        _parallelism = _flags.Value("parallelism", "N", "Readers.", 8, FlagValue.PositiveInteger);
    }

    [Theory]
    [InlineData("-o out -json db")]
    [InlineData("--o out --json db")]
    [InlineData("-o=out -json=true db")]
    [InlineData("db -o out -json")]
    [InlineData("-json db --o=out")]
    [InlineData("-o first -o out -json=false -json db")]
    public void Flags_are_read_in_every_spelling_and_place(string line)
    {
        var positionals = Parse(line).Positionals;

        Assert.Equal(["db"], positionals);
        Assert.Equal("out", _output.Value);
        Assert.True(_json.Value);
        Assert.Equal(8, _parallelism.Value);
    }

    [Fact]
    public void A_switch_leaves_the_next_word_alone()
    {
        Assert.Equal(["false", "db"], Parse("-json false db").Positionals);
        Assert.True(_json.Value);
    }

    [Fact]
    public void Two_dashes_end_the_flags()
    {
        Assert.Equal(["-o", "x"], Parse("-json -- -o x").Positionals);
        Assert.False(_output.IsSet);
    }

    [Fact]
    public void A_lone_dash_is_an_argument() => Assert.Equal(["-"], Parse("-").Positionals);

    [Fact]
    public void A_value_may_begin_with_a_dash()
    {
        Parse("-o -json db");
        Assert.Equal("-json", _output.Value);
        Assert.False(_json.Value);
    }

    [Fact]
    public void An_empty_value_after_an_equals_sign_does_not_take_the_next_word()
    {
        Assert.Equal(["db"], Parse("-o= db").Positionals);
        Assert.True(_output.IsSet);
        Assert.Empty(_output.Value);
    }

    [Theory]
    [InlineData("-bogus x", "flag provided but not defined: -bogus")]
    [InlineData("--bogus=1 x", "flag provided but not defined: -bogus")]
    [InlineData("x -o", "flag needs an argument: -o")]
    [InlineData("-json=maybe", "invalid value \"maybe\" for flag -json: must be true or false")]
    [InlineData("-parallelism 0", "invalid value \"0\" for flag -parallelism: must be a whole number of at least 1")]
    public void A_wrong_flag_is_named(string line, string message)
    {
        var failure = Assert.Throws<UsageException>(() => Parse(line));
        Assert.Equal(message, failure.Message);
        Assert.Equal("tidemark restore -help", failure.Example);
    }

    [Theory]
    [InlineData("-h")]
    [InlineData("-help")]
    [InlineData("--h")]
    [InlineData("db -json --help -o")]
    public void Help_is_asked_for_in_every_spelling_and_place(string line) => Assert.True(Parse(line).IsHelp);

    private ParsedArguments Parse(string line) => _flags.Parse(line.Split(' '));
}
