using Tidemark.Formats;

namespace Tidemark.Replication.Capture;

/// <summary>The frames in the WAL file are not those that SQLite's WAL index promises. Reported, and healed by comparing pages.</summary>
public sealed class WalMismatchException : TidemarkException
{
    internal WalMismatchException(string walPath, uint frame, string what)
        : base($"{walPath}: frame {frame} {what}.", "Nothing needs to be done: the pages that differ are captured next.")
        => IsTransient = true;
}
