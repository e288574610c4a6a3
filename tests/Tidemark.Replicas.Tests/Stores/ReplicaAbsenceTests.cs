using Tidemark.Formats;
using Tidemark.Replicas.Restore;
using Tidemark.Replicas.Stores;
using Tidemark.Testing;
using Tidemark.Testing.Files;
using Xunit;

namespace Tidemark.Replicas.Tests.Stores;

public sealed class ReplicaAbsenceTests
{
    private readonly MemoryFileSystem _files = new();

    [Fact]
    public void A_folder_that_does_not_exist_is_told_from_all_that_do()
    {
        var absence = Look("/backup/app");
        Assert.True(absence.IsPlaceMissing);
        Assert.Equal("There is no folder /backup/app.", absence.Message);
        Assert.Contains("mounted", absence.Hint, StringComparison.Ordinal);
    }

    [Fact]
    public void An_empty_folder_is_called_empty()
    {
        _files.CreateDirectory("/backup");
        var absence = Look("/backup");
        Assert.False(absence.IsPlaceMissing);
        Assert.Equal("/backup holds no replica: the folder is empty.", absence.Message);
    }

    [Fact]
    public void The_folders_of_a_replica_without_files_are_called_so()
    {
        _files.CreateDirectory("/backup/ltx/0");
        Assert.Equal("/backup is the folder of a replica, but there are no LTX files in it.", Look("/backup").Message);
    }

    [Fact]
    public void Something_else_is_told_with_the_replicas_that_lie_in_it()
    {
        _files.CreateDirectory("/backup/a/ltx/0");
        _files.CreateDirectory("/backup/b");
        _files.CreateDirectory("/backup/c/generations");
        _files.Open("/backup/note", FileMode.CreateNew, FileAccess.Write).Dispose();
        var absence = Look("/backup");
        Assert.Equal("/backup holds no replica, but something else: a/, b/, c/, ...", absence.Message);
        Assert.Equal("There are replicas in it: /backup/a, /backup/c", absence.Hint);
    }

    [Theory]
    [InlineData("/backup/app/ltx")]
    [InlineData("/backup/app/ltx/0")]
    [InlineData("/backup/app/generations")]
    public void A_folder_within_a_replica_is_told_with_that_of_the_replica(string folder)
    {
        _files.CreateDirectory($"{folder}/more");
        Assert.Equal("It belongs to what lies in /backup/app: name that folder.", Look(folder).Hint);
    }

    [Fact]
    public async Task A_restore_tells_what_is_there_in_the_place_of_a_replica()
    {
        var restore = new RestoreStep(new LocalStore("/nope", _files), _files, TimeProvider.System);
        var failure = await Assert.ThrowsAsync<NoMatchingBackupException>(async () => await restore.RunAsync(
            new RestoreTarget.Latest(), new RestoreOptions { OutputPath = "/x.db" }, TestContext.Current.CancellationToken));
        Assert.Equal(("There is no folder /nope.", true), (failure.Message, failure.IsPlaceMissing));
    }

    [Fact]
    public void A_folder_that_may_not_be_read_is_not_called_empty()
    {
        using var folder = new TemporaryFolder();
        // The tests may run as root, who may read everything.
        var closed = new HookedFileSystem { Listing = _ => throw new UnauthorizedAccessException("denied") };
        var failure = Assert.ThrowsAny<TidemarkException>(() => ReplicaAbsence.Of(new LocalStore(folder.Path, closed)));
        Assert.EndsWith($": this user may not read {folder.Path}", failure.Message, StringComparison.Ordinal);
        Assert.Equal($"Give the user that runs Tidemark the right to read and write {folder.Path}.", failure.Hint);
    }

    private ReplicaAbsence Look(string folder) => ReplicaAbsence.Of(new LocalStore(folder, _files));
}
