using Tidemark.Formats;

namespace Tidemark.Testing.Peers;

/// <summary>
/// The independent checker of the shared material, written from the format's description alone. It is slow, so replicas must be
/// small.
/// </summary>
public static class LtxCheck
{
    // Not the first python3 of the path: that can be a stub that starts a slower or another Python.
    private const string Python = "/usr/bin/python3";

    private static string Script => Path.Combine(TidemarkShared.Folder("tools"), "ltxcheck.py");

    /// <summary>Checks every file of every level and the chain of TXIDs.</summary>
    public static Task RunAsync(string replica) => PeerProcess.RunAsync(Python, [Script, replica]);

    /// <summary>Checks everything, and builds the database at a TXID, or the newest, by the slow and obvious way.</summary>
    public static async Task<byte[]> RestoreAsync(string replica, Txid? txid)
    {
        using var folder = new TemporaryFolder();
        await PeerProcess.RunAsync(Python, [Script, replica, "--restore", txid?.ToString() ?? "latest", folder["out.db"]]);
        return PlainFile.Read(folder["out.db"]);
    }
}
