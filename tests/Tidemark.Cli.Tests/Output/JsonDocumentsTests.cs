using Tidemark.Cli.Output;

namespace Tidemark.Cli.Tests.Output;

public sealed class JsonDocumentsTests
{
    [Fact]
    public void An_empty_list_is_a_list() => Assert.Equal("[]\n", Write<IReadOnlyList<LtxFileDocument>>([]));

    [Fact]
    public void A_restore_has_the_fields_that_scripts_read()
        => Assert.Equal(
            """
            {
              "db_path": "/tmp/Müller's.db",
              "replica": "file",
              "txid": "000000000000002a",
              "duration_ms": 12,
              "integrity_check": "full",
              "format": "ltx",
              "timestamp": "2026-01-31T12:00:00.25Z",
              "size": 4096,
              "bytes_read": 1000,
              "proven": true,
              "warnings": [
                "A \"warning\"."
              ],
              "unchecked": []
            }

            """,
            Write(new RestoreDocument(
                "/tmp/Müller's.db", "file", "000000000000002a", 12, "full", "ltx", "2026-01-31T12:00:00.25Z", 4096, 1000, true,
                ["A \"warning\"."], [])));

    [Fact]
    public void A_plan_has_the_fields_that_scripts_read()
        => Assert.Equal(
            """
            {
              "source": "file:///r",
              "target_path": "/out",
              "replica": "file",
              "min_txid": "0000000000000001",
              "max_txid": "0000000000000002",
              "files": [
                {
                  "level": 9,
                  "name": "0000000000000001-0000000000000002.ltx",
                  "min_txid": "0000000000000001",
                  "max_txid": "0000000000000002",
                  "size": 200,
                  "timestamp": "2026-01-31T12:00:00Z"
                }
              ],
              "format": "ltx",
              "timestamp": "2026-01-31T12:00:00Z",
              "size": 200,
              "warnings": []
            }

            """,
            Write(new RestorePlanDocument("file:///r", "/out", "file", "0000000000000001", "0000000000000002",
            [
                new PlannedFileDocument(
                    9, "0000000000000001-0000000000000002.ltx", "0000000000000001", "0000000000000002", 200, "2026-01-31T12:00:00Z"),
            ], "ltx", "2026-01-31T12:00:00Z", 200, [])));

    private static string Write<T>(T document)
    {
        using var output = new StringWriter();
        JsonDocuments.Write(output, document);
        return output.ToString();
    }
}
