using Tidemark.Testing.Peers;
using Xunit;

namespace Tidemark.Testing.Files;

/// <summary>What only the tools of a Unix system can do with files.</summary>
public static class UnixTools
{
    /// <summary>Makes a named pipe.</summary>
    public static Task MakePipeAsync(string path) => PeerProcess.RunAsync("mkfifo", [path]);

    /// <summary>Gives a file a second name.</summary>
    public static Task LinkAsync(string path, string name) => PeerProcess.RunAsync("ln", [path, name]);

    /// <summary>Gives a file away. Skips the test where the process may not.</summary>
    public static async Task GiveAwayAsync(string path, uint user, uint group)
    {
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "Only root may give files away.");
        await PeerProcess.RunAsync("chown", [$"{user}:{group}", path]);
    }
}
