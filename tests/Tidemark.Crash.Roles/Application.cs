using System.Globalization;
using SQLitePCL;

namespace Tidemark.Crash.Roles;

/// <summary>
/// An ordinary application that does what it is told: one connection with a busy timeout of 5 seconds, in WAL mode, that checkpoints by
/// itself as SQLite does unless told otherwise.
/// </summary>
/// <remarks>
/// Each line of its standard input is a command, and each is answered by one line that begins with <c>= </c>: <c>ok</c> and the first
/// value, or <c>error</c>, SQLite's code and its words. It opens the database before the first one, and answers that too.
/// <code>
///   sql STATEMENTS
///   checkpoints MODE COUNT     that many in a row: how many came back busy, and the longest, in milliseconds
///   repeat COUNT STATEMENTS    that many times in a row: how many failed, and the longest, in milliseconds
///   backup FILE                copies another database over this one by SQLite's backup
///   stop                       closes the database and ends
/// </code>
/// Between two times it rests as long as an application that has something else to do, and with the third failure it gives up. The end of
/// its input is a crash: it ends without closing anything.
/// </remarks>
internal sealed class Application(string path, int pageSize)
{
    private const int BusyTimeoutMs = 5000;
    private const int FailuresMax = 3;
    private static readonly TimeSpan s_rest = TimeSpan.FromMilliseconds(5);
    private sqlite3? _connection;

    public int Run()
    {
        Batteries_V2.Init();
        if (!Answer(Open))
        {
            return 1;
        }

        while (Console.In.ReadLine() is { } line)
        {
            if (line == "stop")
            {
                Answer(Close);
                return 0;
            }

            Answer(() => Obey(line));
        }

        Environment.Exit(1);
        return 1;
    }

    private static bool Answer(Func<string> action)
    {
        try
        {
            Console.Out.WriteLine($"= ok {action()}".TrimEnd());
            return true;
        }
        catch (SqlFailure e)
        {
            Console.Out.WriteLine($"= error {e.Message}");
            return false;
        }
    }

    private string Open()
    {
        Check(raw.sqlite3_open_v2(path, out _connection, raw.SQLITE_OPEN_READWRITE | raw.SQLITE_OPEN_CREATE, null));
        raw.sqlite3_busy_timeout(_connection, BusyTimeoutMs);
        return Sql($"PRAGMA page_size={pageSize}; PRAGMA synchronous=NORMAL; PRAGMA journal_mode=WAL");
    }

    private string Close()
    {
        Check(raw.sqlite3_close(_connection));
        return "";
    }

    private string Obey(string line) => line.Split(' ', 2) switch
    {
        ["sql", var statements] => Sql(statements),
        ["backup", var file] => Backup(file),
        ["checkpoints", var what] when what.Split(' ') is [var mode, var count]
            => Repeat(count, () => Sql($"PRAGMA wal_checkpoint({mode})") == "0"),
        ["repeat", var what] when what.Split(' ', 2) is [var count, var statements] => Repeat(count, () => Succeeds(statements)),
        _ => throw new SqlFailure($"unknown command: {line}"),
    };

    private string Sql(string statements)
    {
        var first = "";
        for (var rest = statements; rest.Length > 0;)
        {
            Check(raw.sqlite3_prepare_v2(_connection, rest, out var statement, out rest));
            if (statement is null)
            {
                break; // Nothing but white space.
            }

            using (statement)
            {
                int code;
                while ((code = raw.sqlite3_step(statement)) == raw.SQLITE_ROW)
                {
                    first = first.Length > 0 ? first : raw.sqlite3_column_text(statement, 0).utf8_to_string() ?? "";
                }

                Check(code == raw.SQLITE_DONE ? raw.SQLITE_OK : code);
            }
        }

        return first;
    }

    private bool Succeeds(string statements)
    {
        try
        {
            Sql(statements);
            return true;
        }
        catch (SqlFailure)
        {
            return false;
        }
    }

    private static string Repeat(string count, Func<bool> succeeds)
    {
        var time = TimeProvider.System;
        var (failed, longest) = (0, TimeSpan.Zero);
        for (var rest = int.Parse(count, CultureInfo.InvariantCulture); rest > 0 && failed < FailuresMax; rest--)
        {
            var start = time.GetTimestamp();
            failed += succeeds() ? 0 : 1;
            var elapsed = time.GetElapsedTime(start);
            longest = elapsed > longest ? elapsed : longest;
            Task.Delay(s_rest, time).GetAwaiter().GetResult();
        }

        return string.Create(CultureInfo.InvariantCulture, $"{failed} {longest.TotalMilliseconds:0}");
    }

    // Tries again while the destination is busy, as the shell of SQLite does.
    private string Backup(string file)
    {
        Check(raw.sqlite3_open_v2(file, out var source, raw.SQLITE_OPEN_READONLY, null));
        using (source)
        {
            using var backup = raw.sqlite3_backup_init(_connection, "main", source, "main");
            Check(backup is null || backup.IsInvalid ? raw.sqlite3_errcode(_connection) : raw.SQLITE_OK);
            var code = raw.sqlite3_backup_step(backup, -1);
            Check(code == raw.SQLITE_DONE ? raw.SQLITE_OK : code);
            return "";
        }
    }

    private void Check(int code)
    {
        if (code != raw.SQLITE_OK)
        {
            throw new SqlFailure(string.Create(
                CultureInfo.InvariantCulture, $"{code} {raw.sqlite3_errmsg(_connection).utf8_to_string()}").Replace('\n', ' '));
        }
    }

    private sealed class SqlFailure(string message) : Exception(message);
}
