using Berth.Identity;

namespace Berth.Tests.Shared.Identity;

public sealed class PrivateTextTests : IDisposable
{
    private readonly DirectoryInfo _home = Directory.CreateTempSubdirectory("berth-private-");

    [Fact]
    public void A_file_is_its_owners_only_and_so_is_the_directory_that_is_made_for_it()
    {
        var path = Path.Combine(_home.FullName, "made", "secret");
        PrivateText.Write(path, "first");
        PrivateText.Write(path, "second");

        Assert.Equal("second", File.ReadAllText(path));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(path));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute, File.GetUnixFileMode(Path.GetDirectoryName(path)!));
        Assert.Single(Directory.GetFiles(Path.GetDirectoryName(path)!));
    }

    [Fact]
    public void What_cannot_take_its_name_leaves_nothing_behind()
    {
        var path = Path.Combine(_home.FullName, "secret");
        Directory.CreateDirectory(Path.Combine(path, "in the way"));

        Assert.ThrowsAny<Exception>(() => PrivateText.Write(path, "a key"));
        Assert.Empty(Directory.GetFiles(_home.FullName));
    }

    public void Dispose() => _home.Delete(recursive: true);
}
