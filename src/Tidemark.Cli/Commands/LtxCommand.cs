namespace Tidemark.Cli.Commands;

internal sealed class LtxCommand : Command
{
    public LtxCommand()
        : base("ltx", "x")
    {
    }

    public override IReadOnlyList<string> Forms => [];

    public override Task<int> RunAsync(IReadOnlyList<string> positionals, CommandHost host) => throw new NotImplementedException();
}
