using Tidemark.Replicas.Files;
using Tidemark.Replication.Databases;
using Xunit;

namespace Tidemark.Replication.Tests.Databases;

/// <summary>Which databases are refused before anything is opened, and above all which are not.</summary>
public sealed class AdmissionDecisionTests
{
    private const uint Application = 1001;
    private const uint Tidemark = 1002;
    private const uint Shared = 1500;

    private static readonly AdmissionObservation s_own = Look("644", Application, "755");

    [Fact]
    public void A_database_of_this_user_is_taken()
    {
        Assert.Null(AdmissionDecision.From(s_own));
        Assert.Null(AdmissionDecision.From(s_own with { WalAccess = WriteAccess.Granted, IndexAccess = WriteAccess.Granted }));
    }

    [Theory]
    [InlineData(FileKind.Pipe)]
    [InlineData(FileKind.Device)]
    [InlineData(FileKind.Socket)]
    public void What_is_no_file_is_refused(FileKind kind)
        => Assert.Equal(Refusal.IsNoFile, AdmissionDecision.From(s_own with { File = s_own.File with { Kind = kind } }));

    [Fact]
    public void A_file_that_is_mounted_by_itself_is_refused_and_a_folder_is_not()
    {
        Assert.Equal(Refusal.IsMountPoint, AdmissionDecision.From(s_own with { File = s_own.File with { IsMountPoint = true } }));
        Assert.Equal(Refusal.IsMountedElsewhere, AdmissionDecision.From(s_own with { OtherPlace = "/elsewhere/app.db" }));
        Assert.Null(AdmissionDecision.From(s_own with { Folder = s_own.Folder with { IsMountPoint = true } }));
        Assert.Null(AdmissionDecision.From(s_own with { File = s_own.File with { IsMountPoint = null } }));
    }

    [Fact]
    public void A_file_of_several_names_is_refused_and_a_folder_is_not()
    {
        Assert.Equal(Refusal.HasSeveralNames, AdmissionDecision.From(s_own with { File = s_own.File with { NameCount = 2 } }));
        Assert.Null(AdmissionDecision.From(s_own with { Folder = s_own.Folder with { NameCount = 2 } }));
    }

    [Fact]
    public void What_this_user_may_not_write_is_refused_be_he_root_or_not()
    {
        foreach (var seen in (AdmissionObservation[])[s_own, s_own with { User = new FileOwner(0, 0) }])
        {
            Assert.Equal(Refusal.FileIsDenied, AdmissionDecision.From(seen with { FileAccess = WriteAccess.Denied }));
            Assert.Equal(Refusal.FolderIsDenied, AdmissionDecision.From(seen with { FolderAccess = WriteAccess.Denied }));
            Assert.Equal(Refusal.WalIsDenied, AdmissionDecision.From(seen with { WalAccess = WriteAccess.Denied }));
            Assert.Equal(Refusal.WalIsDenied, AdmissionDecision.From(seen with { IndexAccess = WriteAccess.Denied }));
            Assert.Equal(Refusal.IsOnReadOnlyDisk, AdmissionDecision.From(seen with { FileAccess = WriteAccess.ReadOnlyDisk }));
            Assert.Equal(Refusal.IsOnReadOnlyDisk, AdmissionDecision.From(seen with { FolderAccess = WriteAccess.ReadOnlyDisk }));
        }
    }

    [Theory]
    [InlineData("644", Tidemark, "755", true)] // An ACL lets this user write it. It would not do as much for the -wal.
    [InlineData("660", Tidemark, "775", true)]
    [InlineData("664", Tidemark, "775", true)]
    [InlineData("664", Shared, "775", false)] // The group of this process is that of the file.
    [InlineData("660", Tidemark, "2775", false)] // That of the folder is.
    [InlineData("640", Shared, "2775", true)]
    [InlineData("666", Tidemark, "777", false)]
    [InlineData("602", Tidemark, "777", true)]
    public void A_database_of_another_user_is_refused_where_he_could_not_write_the_wal(string mode, uint group, string folder, bool isRefused)
    {
        var seen = Look(mode, Application, folder) with { User = new FileOwner(Tidemark, group) };
        Assert.Equal(isRefused ? Refusal.OwnerWouldBeLockedOut : null, AdmissionDecision.From(seen));
        Assert.Null(AdmissionDecision.From(seen with { User = new FileOwner(Application, group) }));
        Assert.Null(AdmissionDecision.From(seen with { User = new FileOwner(0, 0) })); // SQLite gives the files of root away.
        Assert.Null(AdmissionDecision.From(seen with { FolderHasOwnRules = true }));

        // What is there need not be created.
        Assert.Null(AdmissionDecision.From(seen with { WalAccess = WriteAccess.Granted, IndexAccess = WriteAccess.Granted }));
        Assert.Equal(
            isRefused ? Refusal.OwnerWouldBeLockedOut : null, AdmissionDecision.From(seen with { WalAccess = WriteAccess.Granted }));
    }

    [Fact]
    public void A_folder_that_keeps_files_of_others_is_refused_unless_it_or_the_database_is_of_this_user()
    {
        var seen = Look("666", Application, "1777") with { User = new FileOwner(Tidemark, Tidemark) };
        Assert.Equal(Refusal.FolderKeepsFilesOfOthers, AdmissionDecision.From(seen));
        Assert.Null(AdmissionDecision.From(seen with { User = new FileOwner(Application, Application) }));
        Assert.Null(AdmissionDecision.From(seen with { User = new FileOwner(0, 0) }));
        Assert.Null(AdmissionDecision.From(
            seen with { Folder = seen.Folder with { Rights = new FileRights(Mode("1777"), new FileOwner(Tidemark, Shared)) } }));
    }

    // As its owner sees it while nobody has it open.
    private static AdmissionObservation Look(string mode, uint owner, string folder) => new(
        "/data/app.db",
        new FileStatus(FileKind.File, new FileRights(Mode(mode), new FileOwner(owner, Shared)), NameCount: 1, IsMountPoint: false),
        new FileStatus(FileKind.Folder, new FileRights(Mode(folder), new FileOwner(0, Shared)), NameCount: 3, IsMountPoint: false),
        null,
        new FileOwner(owner, owner),
        WriteAccess.Granted,
        WriteAccess.Granted,
        WriteAccess.Missing,
        WriteAccess.Missing,
        FolderHasOwnRules: false);

    private static UnixFileMode Mode(string digits) => (UnixFileMode)Convert.ToInt32(digits, 8);
}
