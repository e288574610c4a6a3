using System.Diagnostics;
using Tidemark.Replicas.Files;
using Tidemark.Replication.Databases;
using Tidemark.Testing;
using Tidemark.Testing.Databases;
using Xunit;

namespace Tidemark.Replication.Tests.Databases;

/// <summary>What is said when this process may not open one file more.</summary>
public sealed class OpenFileLimitTests
{
    private const string IsLimited = "TIDEMARK_TEST_IS_LIMITED";

    [Fact]
    public void Who_wants_for_handles_is_told_so_and_what_helps()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "The limit of a process is set by a shell.");
        if (Environment.GetEnvironmentVariable(IsLimited) is not null)
        {
            UseWithFewHandles();
            return;
        }

        // Other tests must not want for handles, so this one starts itself again in a process of its own.
        var program = Path.ChangeExtension(typeof(OpenFileLimitTests).Assembly.Location, null);
        var method = $"{typeof(OpenFileLimitTests).FullName}.{nameof(Who_wants_for_handles_is_told_so_and_what_helps)}";
        var start = new ProcessStartInfo("sh", ["-c", $"ulimit -n 300; exec '{program}' -noColor -method {method}"])
        {
            Environment = { [IsLimited] = "yes" },
            RedirectStandardOutput = true,
        };
        using var process = Process.Start(start)!;

        Assert.Contains("Total: 1, Errors: 0, Failed: 0, Skipped: 0, Not Run: 0", process.StandardOutput.ReadToEnd(), StringComparison.Ordinal);
    }

    private static void UseWithFewHandles()
    {
        using var folder = new TemporaryFolder();
        using (var source = SourceDatabase.Open(folder["app.db"]))
        {
            source.CreateTable();
        }

        // What is needed is loaded before: that takes handles too.
        _ = Assert.IsType<DatabaseException>(TryUse(folder["missing.db"]));
        Assert.Null(TryUse(folder["app.db"]));

        // The file, the WAL, and its index.
        for (var free = 0; free < 3; free++)
        {
            var (limit, failure) = TryUseWithFew(free, folder["app.db"]);
            Assert.True(OpenFileLimit.IsReached(limit));
            Assert.EndsWith(OpenFileLimit.Hint, Log.Reason(limit), StringComparison.Ordinal);
            var e = Assert.IsType<DatabaseException>(failure);
            Assert.Equal((14, true, OpenFileLimit.Hint), (e.Code, e.IsTransient, e.Hint));
            Assert.Contains("as many files are open as may be", e.Message, StringComparison.Ordinal);
        }

        Assert.Null(TryUseWithFew(3, folder["app.db"]).Failure);
    }

    private static (Exception Limit, Exception? Failure) TryUseWithFew(int free, string path)
    {
        var handles = new Stack<IFile>();
        try
        {
            while (true)
            {
                handles.Push(PhysicalFileSystem.Instance.Open("/dev/null", FileMode.Open, FileAccess.Read));
            }
        }
        catch (IOException limit)
        {
            for (var i = 0; i < free; i++)
            {
                handles.Pop().Dispose();
            }

            return (limit, TryUse(path));
        }
        finally
        {
            while (handles.TryPop(out var handle))
            {
                handle.Dispose();
            }
        }
    }

    private static DatabaseException? TryUse(string path)
    {
        try
        {
            using var connection = DatabaseConnection.Open(path, TimeSpan.Zero);
            connection.BeginRead();
            return null;
        }
        catch (DatabaseException e)
        {
            return e;
        }
    }
}
