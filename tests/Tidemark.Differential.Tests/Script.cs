namespace Tidemark.Differential.Tests;

/// <summary>What is played three times.</summary>
internal sealed record Script(string Name, IReadOnlyList<ScriptAction> Actions)
{
    public int PageSize { get; init; } = 4096;

    public OtherName OtherName { get; init; }

    public Rhythm Rhythm { get; init; } = Rhythm.Fast;

    /// <summary>
    /// The source must be what it is without anybody else, even where it is damaged beside an idle reader. Otherwise that decides.
    /// </summary>
    public bool IsSafe { get; init; }

    /// <summary>The application does what SQLite lets nobody do who is not alone, such as leaving WAL mode.</summary>
    public bool NeedsToBeAlone { get; init; }

    public override string ToString()
        => $"{Name}: pages of {PageSize} bytes, name {OtherName}, {Rhythm}\n{string.Join('\n', Actions.Select(action => action.Text))}\n";
}
