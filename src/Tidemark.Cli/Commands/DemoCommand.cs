namespace Tidemark.Cli.Commands;

internal sealed class DemoCommand : Command
{
    public DemoCommand()
        : base("demo", "x")
    {
    }

    public override IReadOnlyList<string> Forms => [];

    public override Task<int> RunAsync(IReadOnlyList<string> positionals, CommandHost host) => throw new NotImplementedException();
}
