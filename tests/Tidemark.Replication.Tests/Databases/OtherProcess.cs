using System.Diagnostics;
using System.Globalization;

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

    /// <summary>Writes bytes into a file, as somebody does who knows nothing of SQLite.</summary>
    public static void Overwrite(string path, long offset, string text)
    {
        const string Script = """
            import sys
            with open(sys.argv[1], 'r+b') as file:
                file.seek(int(sys.argv[2]))
                file.write(sys.argv[3].encode())
            """;
        using var process = Start("python3", "-c", Script, path, offset.ToString(CultureInfo.InvariantCulture), text);
        process.StandardInput.Close();
        process.WaitForExit();
    }

    /// <summary>Toggles one bit of a file.</summary>
    public static void Toggle(string path, long offset)
    {
        const string Script = """
            import sys
            with open(sys.argv[1], 'r+b') as file:
                file.seek(int(sys.argv[2]))
                byte = file.read(1)[0]
                file.seek(int(sys.argv[2]))
                file.write(bytes([byte ^ 1]))
            """;
        using var process = Start("python3", "-c", Script, path, offset.ToString(CultureInfo.InvariantCulture));
        process.StandardInput.Close();
        process.WaitForExit();
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
