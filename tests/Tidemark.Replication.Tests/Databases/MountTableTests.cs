using Tidemark.Replication.Databases;
using Xunit;

namespace Tidemark.Replication.Tests.Databases;

public sealed class MountTableTests
{
    private const string Table = """
        22 27 0:21 / /proc rw,relatime - proc proc rw
        27 1 254:0 / / rw,relatime - ext4 /dev/vda rw,discard
        63 43 254:0 /srv/app.db /mnt/other.db rw,relatime shared:7 - ext4 /dev/vda rw,discard
        64 43 254:0 /srv/a\040b\134c.db /mnt/with\040space/x rw,relatime - ext4 /dev/vda rw
        65 43 254:0 /srv /mnt/app.db.d rw,relatime - ext4 /dev/vda rw

        """;

    [Theory]
    [InlineData("app.db", "/mnt/other.db")] // Of its own name,
    [InlineData("other.db", "/mnt/other.db")] // of that of the place,
    [InlineData(@"a b\c.db", "/mnt/with space/x")] // and of names that are escaped.
    public void A_file_is_found_by_the_name_of_what_is_mounted_and_by_that_of_the_place(string name, string place)
        => Assert.Equal([place], MountTable.FindPlaces(Table, name));

    [Theory]
    [InlineData("srv.db")]
    [InlineData("pp.db")]
    public void A_file_that_is_not_mounted_by_itself_is_not_found(string name) => Assert.Empty(MountTable.FindPlaces(Table, name));
}
