namespace Tidemark.Replication.Databases;

/// <summary>The words for each <see cref="ForeignChange"/>.</summary>
internal static class ForeignChangeText
{
    /// <summary>What was seen, to stand after the path of the database.</summary>
    public static string Describe(ForeignChange change) => change switch
    {
        ForeignChange.DatabaseIsGone => "the file was deleted or moved away",
        ForeignChange.DatabaseWasReplaced => "another file was put in its place",
        ForeignChange.WalWasReplaced => "its -wal file was deleted or replaced",
        ForeignChange.IndexWasReplaced => "its -shm file was deleted or replaced",
        ForeignChange.DatabaseWasWritten => "something other than SQLite wrote the file, as cp does",
        _ => "another process has the file open with another WAL: through a mount, a hard link or a second path of it",
    };

    /// <summary>What a person can do.</summary>
    public static string Advise(ForeignChange change) => change == ForeignChange.HasSecondWal
        ? "Let all programs use the database through one path, and mount its folder rather than the file."
        : "Stop the application before its files are replaced, and let SQLite or 'tidemark restore' do it where you can.";
}
