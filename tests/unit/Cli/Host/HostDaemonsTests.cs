using System.Net;
using Berth.Cli.Client;
using Berth.Cli.Host;
using Berth.Cli.Output;
using Berth.Identity;
using Berth.Model;

namespace Berth.Tests.Cli.Host;

/// <summary>Talking to this host's daemons by files, with a test in their place.</summary>
public sealed class HostDaemonsTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("berth-cli-").FullName;
    private readonly List<string> _notes = [];

    private HostPaths Paths => new(_folder, ManagerAddress.Parse($"unix://{_folder}/manager.sock", "test"));

    private static ManagerFile Manager => new() { NodeId = new NodeId(1), Hostname = "berth1", Advertise = IPEndPoint.Parse("10.0.0.1:2400") };

    private HostDaemons Daemons => new(Paths, _notes.Add, TimeProvider.System);

    [Fact]
    public async Task A_wish_is_private_and_what_the_agent_says_ends_the_wait()
    {
        Directory.CreateDirectory(Paths.Agent);
        HostWishes.Join(Paths, new JoinWish(new JoinToken(new byte[32], JoinToken.NewSecret()), [new Uri("https://10.0.0.1:2400")], "10.0.0.2"));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(Paths.JoinWish));
        Say("refused", error: "of an earlier attempt");

        var joined = Daemons.JoinedAsync(CancellationToken.None);
        Say("joining", error: "https://10.0.0.1:2400/ cannot be asked: refused");
        await Until(() => _notes.Count == 1);
        File.Delete(Paths.JoinWish);
        Say("joined", "https://10.0.0.1:2400", role: "manager");

        Assert.Equal(("n1", "manager"), ((await joined).NodeId, (await joined).Role));
    }

    [Fact]
    public async Task A_refusal_is_told_with_its_reason_and_exits_with_5()
    {
        Directory.CreateDirectory(Paths.Agent);
        Say("refused", error: "the token was rotated");

        var error = await Assert.ThrowsAsync<UserError>(() => Daemons.JoinedAsync(CancellationToken.None));

        Assert.Equal(("this host may not join: the token was rotated", ExitCode.NotAllowed), (error.Message, error.Code));
    }

    [Fact]
    public void A_manager_reads_what_was_wished()
    {
        HostWishes.Manage(Paths, Manager);

        Assert.Equal(Manager, ManagerFile.Load(Paths.Manager));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(Paths.ManagerConfig));
    }

    [Fact]
    public async Task Forgetting_a_manager_leaves_other_processes_alone()
    {
        HostWishes.Manage(Paths, Manager);
        File.WriteAllText(Paths.ManagerPid, Environment.ProcessId.ToString(System.Globalization.CultureInfo.InvariantCulture));
        Directory.CreateDirectory(Path.Combine(Paths.Manager, "identity"));
        File.WriteAllText(Path.Combine(Paths.Manager, "identity", "manager.key"), "secret");

        await Daemons.ForgetManagerAsync(CancellationToken.None);

        Assert.Empty(Directory.EnumerateFileSystemEntries(Paths.Manager));
    }

    private void Say(string state, string manager = "", string role = "", string error = "")
    {
        var draft = Paths.AgentStatus + ".new";
        File.WriteAllText(draft, $$"""{"state":"{{state}}","node_id":"n1","cluster_id":"c1","manager":"{{manager}}","role":"{{role}}","error":"{{error}}"}""");
        File.Move(draft, Paths.AgentStatus, overwrite: true);
    }

    private static async Task Until(Func<bool> condition)
    {
        for (var tries = 0; !condition() && tries < 500; tries++)
            await Task.Delay(10);
        Assert.True(condition());
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);
}
