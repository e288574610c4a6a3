using Tidemark.Replicas.Catalog;

namespace Tidemark.Benchmarks.Workloads;

/// <summary>A replica as a database has it that was written to for a while: a snapshot, and after it files of several levels.</summary>
internal static class LayeredReplica
{
    private const int CompactedTwice = 60;
    private const int CompactedOnce = 100;
    private const int Captured = 100;
    private const int FilesOfMerge = 2;
    private const int RowsOfTransaction = 200;

    /// <summary>Makes one in the folder <c>replica</c>, while the database is written to. Its WAL is empty afterwards.</summary>
    public static async Task CreateAsync(Workspace workspace, string databaseName)
    {
        using (var application = Connection.OpenWal(workspace[databaseName]))
        using (var engine = new Engine(workspace[databaseName], workspace["spool"]))
        {
            var transactions = 0;
            await CaptureAsync();
            await Merging.ComposeAsync(workspace["replica"], workspace["merges"]);
            for (var i = 0; i < CompactedTwice; i++)
            {
                for (var j = 0; j < FilesOfMerge; j++)
                {
                    await CaptureAndCompactAsync();
                }

                await CompactAsync(2);
            }

            for (var i = 0; i < CompactedOnce; i++)
            {
                await CaptureAndCompactAsync();
            }

            for (var i = 0; i < Captured; i++)
            {
                await CaptureAsync();
            }

            engine.Seal();

            async Task CaptureAndCompactAsync()
            {
                for (var i = 0; i < FilesOfMerge; i++)
                {
                    await CaptureAsync();
                }

                engine.Seal();
                await CompactAsync(1);
            }

            async Task CaptureAsync()
            {
                SampleDatabase.Change(application, RowsOfTransaction, transactions++);
                engine.Capture();
                await engine.ShipAsync(workspace["replica"]);
            }

            async Task CompactAsync(int level) => await Merging.CompactAsync(workspace["replica"], workspace["merges"], new Level(level));
        }

        workspace.Remove("spool", "merges");
    }
}
