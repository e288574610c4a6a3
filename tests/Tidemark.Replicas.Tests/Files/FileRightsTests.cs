using Tidemark.Replicas.Files;
using Xunit;

namespace Tidemark.Replicas.Tests.Files;

/// <summary>Modes are given in octal digits, as everybody writes them.</summary>
public sealed class FileRightsTests
{
    [Theory]
    [InlineData("600", "755", "700")]
    [InlineData("640", "755", "750")]
    [InlineData("644", "755", "755")]
    [InlineData("660", "775", "770")]
    [InlineData("644", "700", "700")]
    [InlineData("664", "750", "750")]
    [InlineData("604", "1777", "705")]
    [InlineData("400", "500", "700")]
    [InlineData("644", null, "755")]
    public void A_folder_can_be_entered_by_those_who_may_read_the_file_and_can_get_to_it(string file, string? around, string folder)
        => Assert.Equal(Mode(folder), new FileRights(Mode(file), null).ForFolder(around is null ? null : Mode(around)).Mode);

    [Theory]
    [InlineData("640", "600")]
    [InlineData("660", "600")]
    [InlineData("644", "644")]
    [InlineData("664", "644")]
    [InlineData("600", "600")]
    public void Another_group_may_do_no_more_than_all_others(string wanted, string given)
        => Assert.Equal(Mode(given), new FileRights(Mode(wanted), null).ModeForAnotherGroup());

    private static UnixFileMode Mode(string digits) => (UnixFileMode)Convert.ToInt32(digits, 8);
}
