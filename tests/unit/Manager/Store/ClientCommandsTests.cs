using Berth.Manager.Store;
using Berth.Model;
using static Berth.Tests.Manager.Store.Samples;

namespace Berth.Tests.Manager.Store;

public sealed class ClientCommandsTests
{
    [Fact]
    public void A_client_that_is_valid_is_not_replaced_and_one_that_is_over_is()
    {
        var state = ClusterState.Empty.After(Ann("A1"));
        Assert.Equal(RefusalReason.Exists, Decide(state, Ann("A2"), Noon).Refusal!.Reason);
        Assert.Equal("A1", state.Clients["ann"].Serial);

        var later = Noon.AddDays(2);
        var again = Decide(state, Ann("A2") with { ExpiresAt = later.AddDays(1) }, later);
        Assert.Equal("A2", state.Committed([.. again.Changes]).Clients["ann"].Serial);
    }

    [Fact]
    public void Every_problem_of_a_client_is_named_at_once()
    {
        var refusal = Decide(ClusterState.Empty, new Command.AdmitClient("Ann Smith", ClientRole.Viewer, ["shop"], "A1", Noon), Noon).Refusal!;

        Assert.Equal(RefusalReason.Invalid, refusal.Reason);
        Assert.Equal(3, refusal.Message.Split('\n').Length);
    }

    [Theory]
    [InlineData("../../etc/passwd")]
    [InlineData("")]
    [InlineData("ann\nroot")]
    [InlineData("-ann")]
    [InlineData("ann,O=x")]
    public void A_name_that_is_none_is_refused(string name) => Assert.NotEmpty(ClientRules.Problems(name, ClientRole.Admin, []));

    [Fact]
    public void A_client_that_is_removed_is_gone()
    {
        var state = ClusterState.Empty.After(Ann("A1"), new Command.RemoveClient("ann"));

        Assert.Empty(state.Clients);
        Assert.Equal(RefusalReason.NotFound, Decide(state, new Command.RemoveClient("ann"), Noon).Refusal!.Reason);
    }

    [Fact]
    public void Autolock_turned_on_again_keeps_its_key_until_that_is_rotated()
    {
        var state = ClusterState.Empty.After(new Command.SetAutolock(true, "k1"), new Command.SetAutolock(true, "k2"));
        Assert.Equal("k1", state.UnlockKey);

        state = state.After(new Command.RotateUnlockKey("k3"));
        Assert.Equal("k3", state.UnlockKey);

        state = state.After(new Command.SetAutolock(false, "k4"));
        Assert.Null(state.UnlockKey);
        Assert.Equal(RefusalReason.Conflict, Decide(state, new Command.RotateUnlockKey("k5"), Noon).Refusal!.Reason);
    }

    [Fact]
    public void No_text_of_a_command_or_change_shows_the_unlock_key()
    {
        object[] all = [new Command.SetAutolock(true, "k1"), new Command.RotateUnlockKey("k1"), new Change.UnlockKeySet("k1"), new CommandResults.UnlockKeyIs("k1")];

        Assert.All(all, each => Assert.DoesNotContain("k1", each.ToString()));
    }

    [Theory]
    [InlineData(ClientRole.Viewer, "shop", false)]
    [InlineData(ClientRole.Deployer, "shop", true)]
    [InlineData(ClientRole.Deployer, "blog", false)]
    [InlineData(ClientRole.Deployer, null, false)]
    [InlineData(ClientRole.Admin, "blog", true)]
    [InlineData(ClientRole.Admin, null, true)]
    public void What_a_client_may_change(ClientRole role, string? stack, bool may) =>
        Assert.Equal(may, new Client { Name = "ann", Role = role, Stacks = ["shop"], CreatedAt = Noon, ExpiresAt = Noon, Serial = "" }.MayChange(stack));

    private static Command.AdmitClient Ann(string serial) => new("ann", ClientRole.Deployer, ["shop"], serial, Noon.AddDays(1));

    private static Decision Decide(ClusterState state, Command command, DateTimeOffset now) => Commands.Decide(state, command, now, IdSource.Seeded(1));
}
