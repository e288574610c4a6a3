using Tidemark.Replicas.Catalog;
using Tidemark.Replicas.Stores;
using Tidemark.Replicas.Tests.Restore;
using Tidemark.Testing.Stores;
using Xunit;

namespace Tidemark.Replicas.Tests.Stores;

public sealed class ReplicaListingTests
{
    [Fact]
    public async Task All_levels_are_listed_from_the_lowest_up()
    {
        var store = await StoreAsync("9:1-4 0:5-5 2:1-2 0:6-6 1:3-4");
        Assert.Equal("0:5-5 0:6-6 1:3-4 2:1-2 9:1-4", Listing.Text(await ReplicaListing.ReadAllAsync(store, default)));
    }

    [Fact]
    public async Task Files_that_are_compacted_while_it_lists_are_found_in_one_form_or_the_other()
    {
        for (var when = 1; when <= Level.Count; when++)
        {
            var inner = await StoreAsync("9:1-4 0:5-5 0:6-6");
            var store = new FaultingStore(inner, _ => null)
            {
                BeforeCall = call =>
                {
                    if (call == when)
                    {
                        Write(inner, "1:5-6").AsTask().GetAwaiter().GetResult();
                        LtxFileKey[] sources = [Listing.ParseFile("0:5-5").Key, Listing.ParseFile("0:6-6").Key];
                        inner.DeleteAsync(sources, default).AsTask().GetAwaiter().GetResult();
                    }
                },
            };
            var listed = Listing.Text(await ReplicaListing.ReadAllAsync(store, default));
            Assert.True(
                listed.Contains("1:5-6", StringComparison.Ordinal) || listed.Contains("0:5-5 0:6-6", StringComparison.Ordinal),
                $"{when}: {listed}");
        }
    }

    private static ValueTask<LtxFileInfo> Write(MemoryStore store, string file)
        => store.WriteAsync(Listing.ParseFile(file).Key, DateTimeOffset.UnixEpoch, new MemoryStream([1]), default);

    private static async Task<MemoryStore> StoreAsync(string files)
    {
        var store = new MemoryStore();
        foreach (var file in files.Split(' '))
        {
            await Write(store, file);
        }

        return store;
    }
}
