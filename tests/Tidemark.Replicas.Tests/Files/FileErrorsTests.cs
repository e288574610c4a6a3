using Tidemark.Replicas.Files;
using Xunit;

namespace Tidemark.Replicas.Tests.Files;

public sealed class FileErrorsTests
{
    private static readonly int s_noSpace = OperatingSystem.IsWindows() ? unchecked((int)0x80070070) : 28;
    private static readonly int s_readOnly = OperatingSystem.IsWindows() ? unchecked((int)0x80070013) : 30;

    [Fact]
    public void A_full_disk_passes_and_a_read_only_one_does_not()
    {
        var full = new IOException("full", s_noSpace);
        var readOnly = new IOException("read-only", s_readOnly);
        Assert.True(FileErrors.IsTransient(full));
        Assert.Equal("Free some space on the disk that holds /a.", FileErrors.HintFor(full, "/a"));
        Assert.False(FileErrors.IsTransient(readOnly));
        Assert.Equal("Mount the disk that holds /a for writing.", FileErrors.HintFor(readOnly, "/a"));
    }

    [Fact]
    public void Missing_rights_and_missing_files_do_not_pass_by_themselves()
    {
        Assert.False(FileErrors.IsTransient(new UnauthorizedAccessException()));
        Assert.False(FileErrors.IsTransient(new FileNotFoundException()));
        Assert.False(FileErrors.IsTransient(new DirectoryNotFoundException()));
        Assert.True(FileErrors.IsNotFound(new DirectoryNotFoundException()));
        Assert.StartsWith("Give the user", FileErrors.HintFor(new UnauthorizedAccessException(), "/a"), StringComparison.Ordinal);
    }

    [Fact]
    public void Too_many_open_files_pass_and_the_hint_names_the_limit()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "There is no such limit.");
        var tooMany = new IOException("too many open files", 24);
        Assert.True(FileErrors.IsTransient(tooMany));
        Assert.Equal(OpenFileLimit.Hint, FileErrors.HintFor(tooMany, "/a"));
        Assert.False(OpenFileLimit.IsReached(new IOException("full", s_noSpace)));
    }

    [Fact]
    public void An_unknown_cause_may_pass_and_has_no_hint()
    {
        Assert.True(FileErrors.IsTransient(new IOException("input/output error")));
        Assert.Null(FileErrors.HintFor(new IOException("input/output error"), "/a"));
    }

    [Fact]
    public void Only_file_operations_fail_with_file_errors()
    {
        Assert.True(FileErrors.IsFileError(new IOException()));
        Assert.True(FileErrors.IsFileError(new UnauthorizedAccessException()));
        Assert.False(FileErrors.IsFileError(new InvalidOperationException()));
    }
}
