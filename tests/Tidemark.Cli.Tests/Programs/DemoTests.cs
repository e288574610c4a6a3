using Tidemark.Testing;

namespace Tidemark.Cli.Tests.Programs;

public sealed class DemoTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task The_demo_proves_the_restore_and_leaves_nothing_behind()
    {
        var variables = new Dictionary<string, string> { ["TMPDIR"] = _folder.Path };

        var result = await RunningProgram.RunAsync(variables, ["demo", "-duration", "500ms"]);

        Assert.Equal((0, ""), (result.ExitCode, result.Error));
        Assert.EndsWith("They are equal: nothing was lost.\n", result.Output, StringComparison.Ordinal);
        Assert.Empty(Directory.EnumerateFileSystemEntries(_folder.Path));
    }

    [Fact]
    public async Task An_interrupted_demo_leaves_nothing_behind()
    {
        var variables = new Dictionary<string, string> { ["TMPDIR"] = _folder.Path };
        await using var program = RunningProgram.Start(variables, ["demo", "-duration", "10m"]);
        await program.WaitForLineAsync("A database under load");

        program.Signal(2);

        Assert.Equal(130, (await program.WaitAsync()).ExitCode);
        Assert.Empty(Directory.EnumerateFileSystemEntries(_folder.Path));
    }
}
