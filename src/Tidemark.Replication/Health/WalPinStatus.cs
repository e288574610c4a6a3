namespace Tidemark.Replication.Health;

/// <summary>A reader stays in an old transaction, so the WAL cannot start over and grows.</summary>
/// <param name="Since">When it was first noticed.</param>
/// <param name="FramesInWal">How long the WAL was then, in frames.</param>
/// <param name="Holders">Processes that read the database, as far as the system tells; empty when it does not.</param>
public sealed record WalPinStatus(DateTimeOffset Since, long FramesInWal, IReadOnlyList<string> Holders);
