namespace Tidemark.Cli.Commands;

internal sealed class DemoWriterCommand : Command
{
    public DemoWriterCommand()
        : base("demo-writer", "x")
    {
    }

    public override IReadOnlyList<string> Forms => [];

    public override Task<int> RunAsync(IReadOnlyList<string> positionals, CommandHost host) => throw new NotImplementedException();
}
