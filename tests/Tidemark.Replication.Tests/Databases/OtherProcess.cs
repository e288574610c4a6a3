using System.Diagnostics;

namespace Tidemark.Replication.Tests.Databases;

/// <summary>Another process that uses the database. Only that shows what locks of this one hold.</summary>
internal static class OtherProcess
{
    /// <summary>Opens the database, runs statements, and closes it, as the last one unless somebody else has it open.</summary>
    /// <returns>What was answered, and after it what went wrong.</returns>
    public static string Run(string path, string sql)
    {
        using var process = Start("sqlite3", path, sql);
        process.StandardInput.Close();
        var errors = process.StandardError.ReadToEndAsync();
        var answer = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return answer + errors.Result;
    }

    /// <summary>Does what a connection does that wants the database for itself: keeps others from new locks, until its input ends.</summary>
    public static Process KeepFromNewLocks(string path)
    {
        const string Script = """
            import fcntl, sys
            file = open(sys.argv[1], 'r+b')
            fcntl.lockf(file, fcntl.LOCK_EX, 1, 0x40000000)
            print('locked', flush=True)
            sys.stdin.read()
            """;
        var process = Start("python3", "-c", Script, path);
        _ = process.StandardOutput.ReadLine();
        return process;
    }

    private static Process Start(string program, params IReadOnlyList<string> arguments) => Process.Start(new ProcessStartInfo(program, arguments)
    {
        RedirectStandardInput = true,
        RedirectStandardOutput = true,
        RedirectStandardError = true,
    })!;
}
