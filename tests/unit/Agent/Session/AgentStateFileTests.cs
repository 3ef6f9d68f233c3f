using Berth.Agent.Session;
using Berth.Model;
using Berth.Tests.Agent.Tasks;

namespace Berth.Tests.Agent.Session;

public sealed class AgentStateFileTests : IDisposable
{
    private readonly string _directory = Path.Combine(Path.GetTempPath(), "berth-agent-" + Guid.NewGuid().ToString("N"));

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    public async Task What_was_held_is_held_after_a_restart()
    {
        var cluster = new ClusterId(9);
        var task = ATask.Held(TaskState.Running);
        task = task with { Status = task.Status with { ContainerId = "c", ExitCode = 3, Ports = [new PortConfig(80, 8080)] } };
        NodeId node;
        using (var file = AgentStateFile.Open(_directory, IdSource.Seeded(1)))
        {
            node = file.Node;
            await file.RememberAsync(cluster, 7, default);
            await file.SaveAsync([task], default);
        }
        using var again = AgentStateFile.Open(_directory, IdSource.Seeded(2));
        Assert.Equal((node, cluster, 7L), (again.Node, again.Cluster!.Value, again.Epoch));
        Assert.Equal(task, Assert.Single(again.Tasks()));
    }

    [Fact]
    public void Only_its_owner_reads_it()
    {
        using var file = AgentStateFile.Open(_directory, IdSource.Seeded(1));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(Path.Combine(_directory, "agent.state")));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute, File.GetUnixFileMode(_directory));
    }

    [Fact]
    public void A_second_agent_is_told_that_the_directory_is_taken()
    {
        using var file = AgentStateFile.Open(_directory, IdSource.Seeded(1));
        Assert.Contains("another agent", Assert.Throws<IOException>(() => AgentStateFile.Open(_directory, IdSource.Seeded(2))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_broken_file_is_refused_not_overwritten()
    {
        Directory.CreateDirectory(_directory);
        var path = Path.Combine(_directory, "agent.state");
        File.WriteAllText(path, "not a state");
        Assert.Contains("move it away", Assert.Throws<IOException>(() => AgentStateFile.Open(_directory, IdSource.Seeded(1))).Message, StringComparison.Ordinal);
        Assert.Equal("not a state", File.ReadAllText(path));
    }
}
