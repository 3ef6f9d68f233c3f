using Berth.Cli.Commands.Clusters;
using Berth.Cli.Output;
using Berth.Identity;

namespace Berth.Tests.Cli.Commands;

public sealed class ClusterJoinTests
{
    private static readonly string Token = new JoinToken(new byte[32], new byte[32]).Format();

    [Theory]
    [InlineData("10.0.0.1", "https://10.0.0.1:2400")]
    [InlineData("10.0.0.1 10.0.0.2:2500 10.0.0.1", "https://10.0.0.1:2400 https://10.0.0.2:2500")]
    [InlineData("https://manager.example fd00::1", "https://manager.example:2400 https://[fd00::1]:2400")]
    public void The_token_is_the_first_word_or_a_flags_and_addresses_follow(string addresses, string expected)
    {
        Assert.Equal(expected.Split(' '), ClusterJoin.Read(null, [Token, .. addresses.Split(' ')]).Managers);
        var (token, managers) = ClusterJoin.Read($" {Token}\n", addresses.Split(' '));
        Assert.Equal(Token, token);
        Assert.Equal(expected.Split(' '), managers);
    }

    [Fact]
    public void What_is_missing_or_wrong_is_said_without_repeating_the_token()
    {
        Assert.Equal("no join token is given", Wrong(null).Message);
        Assert.Equal("no manager's address is given", Wrong(null, Token).Message);
        Assert.Contains("hosts join over TLS only", Wrong(null, Token, "http://10.0.0.1").Message);
        var cut = Wrong(null, Token[..^5], "10.0.0.1");
        Assert.DoesNotContain(Token[^40..^5], cut.Message + cut.Next);
        Assert.Equal(ExitCode.WrongUsage, cut.Code);
    }

    private static UserError Wrong(string? token, params string[] words) => Assert.Throws<UserError>(() => ClusterJoin.Read(token, words));
}
