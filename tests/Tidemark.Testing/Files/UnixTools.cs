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

    /// <summary>What stands before a command that another user runs. He may read everything, since the program may lie in a folder of root,
    /// but has no right more to write. Skips the test where the process may not.</summary>
    public static IReadOnlyList<string> AsUser(uint user, uint? group = null)
    {
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "Only root may become another user.");
        return
        [
            "setpriv", $"--reuid={user}", $"--regid={user}", group is null ? "--clear-groups" : $"--groups={group}",
            "--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search",
        ];
    }

    /// <summary>Runs a script of the shell to its end, and returns what it wrote to standard output.</summary>
    /// <param name="under">What stands before the shell.</param>
    /// <param name="script">The script.</param>
    /// <param name="arguments">Its <c>$0</c>, <c>$1</c> and so on.</param>
    public static Task<string> RunShellAsync(IReadOnlyList<string> under, string script, params IReadOnlyList<string> arguments)
    {
        IReadOnlyList<string> command = [.. under, "sh", "-c", script, .. arguments];
        return PeerProcess.RunAsync(command[0], [.. command.Skip(1)]);
    }
}
