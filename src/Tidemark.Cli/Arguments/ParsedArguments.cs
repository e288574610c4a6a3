namespace Tidemark.Cli.Arguments;

/// <summary>What is left of a command line when its flags are taken out.</summary>
/// <param name="Positionals">In their order.</param>
/// <param name="IsHelp">The help was asked for; nothing else counts then.</param>
internal sealed record ParsedArguments(IReadOnlyList<string> Positionals, bool IsHelp);
