using System.Runtime.InteropServices;
using SQLitePCL;
using Xunit;

namespace Tidemark.Crash.Tests;

/// <summary>
/// What the source is, by SQLite's own word, when all its processes are dead. Reading leaves everything as it was, the WAL too.
/// </summary>
internal static class SourceState
{
    private const int NoCheckpointOnClose = 1006;

    static SourceState() => Batteries_V2.Init();

    /// <summary>All pages, as SQLite serialises them.</summary>
    public static byte[] Read(string path)
    {
        Succeed(raw.sqlite3_open_v2(path, out var connection, raw.SQLITE_OPEN_READWRITE, null));
        using (connection)
        {
            // Else closing would copy the WAL into the database and delete it, and no later round would find one that a kill left.
            Succeed(raw.sqlite3_db_config(connection, NoCheckpointOnClose, 1, out _));
            var pointer = raw.sqlite3_serialize(connection, "main", out var length, 0);
            Assert.NotEqual(0, pointer);
            try
            {
                var bytes = new byte[length];
                Marshal.Copy(pointer, bytes, 0, bytes.Length);
                return bytes;
            }
            finally
            {
                raw.sqlite3_free(pointer);
            }
        }
    }

    private static void Succeed(int code) => Assert.Equal(raw.SQLITE_OK, code);
}
