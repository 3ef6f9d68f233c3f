using Berth.Agent.Hosting;

namespace Berth.Tests.Agent.Hosting;

public sealed class HostShutdownTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("berth-shutdown-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData("echo stopping; exit 1", true)]
    [InlineData("echo running", false)]
    [InlineData("echo degraded; exit 1", false)]
    [InlineData("echo 'Failed to connect to bus' >&2; exit 1", false)]
    [InlineData("exec sleep 60", false)]
    public async Task A_host_shuts_down_when_its_systemd_says_so(string says, bool isUnderWay)
    {
        var systemctl = Path.Combine(_folder, "systemctl");
        await File.WriteAllTextAsync(systemctl, $"[ \"$1\" = is-system-running ] || exit 9\n{says}\n");
        Assert.Equal(isUnderWay, await new HostShutdown(_folder, "/bin/sh", systemctl).IsUnderWayAsync());
    }

    [Fact]
    public async Task Without_systemd_or_its_program_nobody_can_tell()
    {
        Assert.False(await new HostShutdown(Path.Combine(_folder, "none"), "/bin/true").IsUnderWayAsync());
        Assert.False(await new HostShutdown(_folder, Path.Combine(_folder, "none")).IsUnderWayAsync());
    }
}
