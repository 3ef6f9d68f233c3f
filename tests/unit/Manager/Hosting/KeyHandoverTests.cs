using Berth.Manager.Hosting;
using Berth.Manager.Keys;

namespace Berth.Tests.Manager.Hosting;

public sealed class KeyHandoverTests : IDisposable
{
    private readonly DirectoryInfo _data = Directory.CreateTempSubdirectory("berth-handover-");
    private readonly DirectoryInfo _memory = Directory.CreateDirectory($"/dev/shm/berth-handover-{Guid.NewGuid():N}");
    private readonly KeyRing _ring = KeyRing.Create(TimeProvider.System.GetUtcNow());

    private string[] Places => [_memory.FullName];

    [Fact]
    public void Keys_that_are_locked_on_disk_are_taken_once_by_the_process_that_follows()
    {
        new KeyFile(_data.FullName).Write(_ring, UnlockKey.Create());
        KeyHandover.Leave(_data.FullName, Places, _ring);
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(Assert.Single(_memory.GetFiles("*", SearchOption.AllDirectories)).FullName));

        Assert.Null(KeyHandover.Take(_data.FullName + "2", Places, Now));
        Assert.Equal(_ring.Current.Id, KeyHandover.Take(_data.FullName, Places, Now)?.Current.Id);
        Assert.Null(KeyHandover.Take(_data.FullName, Places, Now));
        Assert.Empty(_memory.GetFileSystemInfos());
    }

    [Fact]
    public void What_was_left_long_ago_is_not_taken_and_gone()
    {
        new KeyFile(_data.FullName).Write(_ring, UnlockKey.Create());
        KeyHandover.Leave(_data.FullName, Places, _ring);
        Assert.Null(KeyHandover.Take(_data.FullName, Places, Now + TimeSpan.FromMinutes(2)));
        Assert.Empty(_memory.GetFileSystemInfos());
    }

    [Fact]
    public void Nothing_is_left_without_autolock_or_on_a_disk()
    {
        new KeyFile(_data.FullName).Write(_ring, null);
        KeyHandover.Leave(_data.FullName, Places, _ring);
        Assert.Empty(_memory.GetFileSystemInfos());

        new KeyFile(_data.FullName).Write(_ring, UnlockKey.Create());
        KeyHandover.Leave(_data.FullName, ["/proc", "/sys", "/nowhere"], _ring);
        Assert.Empty(_memory.GetFileSystemInfos());
    }

    public void Dispose()
    {
        _data.Delete(recursive: true);
        _memory.Delete(recursive: true);
    }

    private static DateTimeOffset Now => TimeProvider.System.GetUtcNow();
}
