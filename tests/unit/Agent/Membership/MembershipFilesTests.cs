using System.Security.Cryptography;
using System.Text.Json;
using Berth.Agent.Membership;
using Berth.Identity;
using Microsoft.Extensions.Logging.Abstractions;

namespace Berth.Tests.Agent.Membership;

public sealed class MembershipFilesTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("berth-member-").FullName;

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    public void A_wish_names_a_token_and_managers()
    {
        var token = new JoinToken(RandomNumberGenerator.GetBytes(32), JoinToken.NewSecret());
        var wish = JoinWish.Read($$"""{"token":"{{token.Format()}}","managers":["https://10.0.0.1:2400"],"address":"10.0.0.9"}""");
        Assert.Equal((token, "https://10.0.0.1:2400/", "10.0.0.9"), (wish.Token, wish.Managers.Single().ToString(), wish.Address));
    }

    [Fact]
    public void A_wish_that_the_command_line_writes_is_what_the_agent_reads()
    {
        var token = new JoinToken(RandomNumberGenerator.GetBytes(32), JoinToken.NewSecret());
        foreach (var address in (string?[])["10.0.0.9", null])
        {
            var read = JoinWish.Read(new JoinWish(token, [new Uri("https://10.0.0.1:2400"), new Uri("https://[fd00::1]:2410")], address).Format());
            Assert.Equal((token, address), (read.Token, read.Address));
            Assert.Equal(["https://10.0.0.1:2400/", "https://[fd00::1]:2410/"], read.Managers.Select(manager => manager.ToString()));
        }
    }

    [Theory]
    [InlineData("{")]
    [InlineData("[]")]
    [InlineData("""{"token":"BERTH-1-secretpiece"}""")]
    [InlineData("""{"token":"BERTH-1-secretpiece","managers":["http://10.0.0.1:2400"]}""")]
    public void A_wrong_wish_is_refused_without_a_piece_of_its_token(string json) =>
        Assert.DoesNotContain("secretpiece", Assert.Throws<FormatException>(() => JoinWish.Read(json)).Message, StringComparison.Ordinal);

    [Fact]
    public void The_status_is_for_its_owner_and_can_be_read_by_programs()
    {
        new MembershipFiles(_directory, NullLogger.Instance).Write(new AgentStatus(JoinState.Refused, "n", "c", "https://m", "why: \"so\""));
        var path = Path.Combine(_directory, "status.json");
        using var status = JsonDocument.Parse(File.ReadAllText(path));
        Assert.Equal(["refused", "n", "c", "https://m", "why: \"so\"", ""], status.RootElement.EnumerateObject().Select(property => property.Value.GetString()));
        Assert.Equal(["state", "node_id", "cluster_id", "manager", "error", "role"], status.RootElement.EnumerateObject().Select(property => property.Name));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(path));
        Assert.Equal(new AgentStatus(JoinState.Refused, "n", "c", "https://m", "why: \"so\""), AgentStatus.Read(path));
        File.WriteAllText(path, "{}");
        Assert.Null(AgentStatus.Read(path));
        Assert.Null(AgentStatus.Read(path + "-none"));
    }
}
