namespace Tidemark.Cli.Commands;

internal sealed class ReplicateCommand : Command
{
    public ReplicateCommand()
        : base("replicate", "x")
    {
    }

    public override IReadOnlyList<string> Forms => [];

    public override Task<int> RunAsync(IReadOnlyList<string> positionals, CommandHost host) => throw new NotImplementedException();
}
