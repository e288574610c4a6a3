namespace Tidemark.Cli.Commands;

internal sealed class RestoreCommand : Command
{
    public RestoreCommand()
        : base("restore", "x")
    {
    }

    public override IReadOnlyList<string> Forms => [];

    public override Task<int> RunAsync(IReadOnlyList<string> positionals, CommandHost host) => throw new NotImplementedException();
}
