using System.Diagnostics;
using System.Globalization;
using Berth.Agent.Membership;
using Microsoft.Extensions.Logging.Abstractions;

namespace Berth.Tests.Agent.Membership;

public sealed class ManagerDutyTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("berth-duty-").FullName;
    private Process? _process;

    public void Dispose()
    {
        _process?.Kill();
        _process?.Dispose();
        Directory.Delete(_directory, recursive: true);
    }

    private string Data => Path.Combine(_directory, "manager");

    private ManagerDuty Duty => new(Data, NullLogger.Instance, TimeProvider.System);

    [Fact]
    public async Task A_wish_is_written_once_and_is_the_managers_own_afterwards()
    {
        await Duty.ApplyAsync(true, "one", default);
        File.WriteAllText(Path.Combine(Data, "manager.json"), "without its token");
        await Duty.ApplyAsync(true, "one", default);

        Assert.Equal(("without its token", "wanted"), (File.ReadAllText(Path.Combine(Data, "manager.json")), Duty.State));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(Path.Combine(Data, "manager.json")));
    }

    [Fact]
    public async Task Its_end_takes_the_process_and_the_secrets_with_it_and_can_be_wished_again()
    {
        await Duty.ApplyAsync(true, "one", default);
        Run("berth-manager");
        Directory.CreateDirectory(Path.Combine(Data, "identity"));
        var etcd = Directory.CreateDirectory(Path.Combine(_directory, "etcd"));
        File.WriteAllText(Path.Combine(etcd.FullName, "etcd.yml"), "");
        Directory.CreateDirectory(Path.Combine(etcd.FullName, "data"));
        File.WriteAllText(Path.Combine(Data, "identity", "manager.key"), "its name");
        File.WriteAllText(Path.Combine(Data, "identity", "manager.crt"), "secret");
        File.WriteAllText(Path.Combine(Data, "keys.json"), "secret");
        Assert.Equal("running", Duty.State);

        await Duty.ApplyAsync(false, "", default);
        Assert.True(_process!.WaitForExit(10_000));
        Assert.Equal("", Duty.State);
        Assert.Equal([Path.Combine(Data, "identity", "manager.key")], Directory.EnumerateFiles(_directory, "manager*", SearchOption.AllDirectories));
        Assert.False(File.Exists(Path.Combine(Data, "keys.json")));
        Assert.Empty(Directory.EnumerateFileSystemEntries(etcd.FullName));
        await Duty.ApplyAsync(false, "", default);

        Duty.Forget();
        Assert.Empty(Directory.EnumerateFileSystemEntries(Data));
    }

    [Fact]
    public async Task Whoever_has_the_number_of_a_manager_of_the_past_is_left_alone()
    {
        await Duty.ApplyAsync(true, "one", default);
        Run("bystander");

        await Duty.ApplyAsync(false, "", default);
        Assert.False(_process!.HasExited);
    }

    private void Run(string name)
    {
        var program = Path.Combine(_directory, name);
        File.Copy("/bin/sleep", program);
        _process = Process.Start(program, "60");
        File.WriteAllText(Path.Combine(Data, "manager.pid"), _process.Id.ToString(CultureInfo.InvariantCulture) + "\n");
    }
}
