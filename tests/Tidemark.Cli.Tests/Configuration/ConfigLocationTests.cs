using Tidemark.Cli.Configuration;
using Tidemark.Testing.Files;

namespace Tidemark.Cli.Tests.Configuration;

public sealed class ConfigLocationTests
{
    private readonly MemoryFileSystem _files = new();

    [Fact]
    public void The_flag_goes_before_the_variables()
        => Assert.Equal("/flag.yml", Find("/flag.yml", ("TIDEMARK_CONFIG", "/a.yml"), ("LITESTREAM_CONFIG", "/b.yml")));

    [Fact]
    public void The_own_variable_goes_before_that_of_the_original()
    {
        Assert.Equal("/a.yml", Find("", ("TIDEMARK_CONFIG", "/a.yml"), ("LITESTREAM_CONFIG", "/b.yml")));
        Assert.Equal("/b.yml", Find("", ("TIDEMARK_CONFIG", ""), ("LITESTREAM_CONFIG", "/b.yml")));
    }

    [Fact]
    public void The_file_of_the_original_is_taken_when_only_it_exists()
    {
        Assert.Equal("/etc/tidemark.yml", Find(""));
        _files.CreateDirectory("/etc");
        _files.Open("/etc/litestream.yml", FileMode.Create, FileAccess.Write).Dispose();
        Assert.Equal("/etc/litestream.yml", Find(""));
    }

    private string Find(string flag, params (string Name, string Value)[] variables)
        => ConfigLocation.Find(flag, _files, name => variables.FirstOrDefault(variable => variable.Name == name).Value);
}
