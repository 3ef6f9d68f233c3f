using System.Collections.Immutable;
using Berth.Cli.Lab;
using Berth.Cli.Output;

namespace Berth.Tests.Cli.Lab;

public sealed class LabRecordTests
{
    private static readonly LabRecord Lab = new() { Name = "berth", Subnet = "10.210.0.0/24", Directory = "/l", Hosts = 12, Binaries = "/b", Format = LabRecord.NewestFormat };

    [Theory]
    [InlineData("berth12", 12)]
    [InlineData("3", 3)]
    public void A_host_is_named_in_full_or_by_number(string text, int number) => Assert.Equal(number, Lab.HostNumber(text));

    [Theory]
    [InlineData("berth13")]
    [InlineData("0")]
    [InlineData("other1")]
    public void A_host_that_is_not_there_is_refused_with_those_that_are(string text) =>
        Assert.Contains("berth1 to berth12", Assert.Throws<UserError>(() => Lab.HostNumber(text)).Message);

    [Theory]
    [InlineData("berth")]
    [InlineData("t")]
    [InlineData("a1-b")]
    public void Good_names_pass(string name) => LabRecord.CheckName(name);

    [Theory]
    [InlineData("lab1")] // host 1 of lab1 would be lab11, and so would host 11 of lab
    [InlineData("Berth")]
    [InlineData("../x")]
    [InlineData("")]
    [InlineData("twelveletter")]
    public void Names_that_cannot_be_hosts_or_interfaces_are_refused(string name) =>
        Assert.Equal(ExitCode.WrongUsage, Assert.Throws<UserError>(() => LabRecord.CheckName(name)).Code);

    [Fact]
    public void A_record_reads_back_as_it_was_written()
    {
        var lab = Lab with { Registry = true, LiveRestore = false, EngineArguments = ["--debug"], MadeFolders = ["/etc/docker"] };

        var read = LabRecord.FromJson(lab.ToJson());

        Assert.Equal(lab.ToJson(), read.ToJson());
        Assert.Equal("--debug", Assert.Single(read.EngineArguments));
        Assert.False(read.LiveRestore);
    }

    [Fact]
    public void A_new_lab_takes_the_first_free_network_and_three_hosts()
    {
        var lab = Plan(Wish(), existing: null);

        Assert.Equal("10.211.0.0/24", lab.Subnet);
        Assert.Equal(3, lab.Hosts);
        Assert.Equal("/var/lib/berth/lab/berth", lab.Directory);
    }

    [Fact]
    public void An_existing_lab_grows_and_never_shrinks()
    {
        Assert.Equal(14, Plan(Wish() with { Hosts = 14 }, Lab).Hosts);
        Assert.Equal(12, Plan(Wish() with { Hosts = 2 }, Lab).Hosts);
        Assert.True(Plan(Wish() with { Registry = true }, Lab).Registry);
    }

    [Fact]
    public void A_lab_has_one_manager_unless_more_are_asked_for_and_never_loses_any()
    {
        Assert.Equal((1, 3), (Plan(Wish(), null).Managers, Plan(Wish(), null).Hosts));
        Assert.Equal((5, 5), (Plan(Wish() with { Managers = 5 }, null).Managers, Plan(Wish() with { Managers = 5 }, null).Hosts));
        Assert.Equal(3, Plan(Wish() with { Managers = 3 }, Lab).Managers);
        Assert.Equal(3, Plan(Wish(), Lab with { Managers = 3 }).Managers);
        Assert.Contains("cannot have 3 managers", Assert.Throws<UserError>(() => Plan(Wish() with { Hosts = 2, Managers = 3 }, null)).Message);
    }

    [Fact]
    public void A_lab_of_an_earlier_version_is_to_be_made_anew() =>
        Assert.Contains("berth lab down", Assert.Throws<UserError>(() => Plan(Wish(), Lab with { Format = 0 })).Next);

    [Fact]
    public void What_cannot_change_in_an_existing_lab_is_refused()
    {
        LabWish[] wishes =
        [
            Wish() with { Subnet = "10.220.0.0/24" }, Wish() with { Directory = "/elsewhere" }, Wish() with { LiveRestore = false }, Wish() with { EngineArguments = ["--debug"] },
            Wish() with { DiskMegabytes = 256 }, Wish() with { Clocks = true },
        ];

        Assert.All(wishes, wish => Assert.Contains("berth lab down", Assert.Throws<UserError>(() => Plan(wish, Lab)).Next));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(-1)]
    [InlineData(201)]
    public void Host_counts_out_of_range_are_refused(int hosts) => Assert.Throws<UserError>(() => Plan(Wish() with { Hosts = hosts }, null));

    [Fact]
    public void A_taken_network_is_refused() =>
        Assert.Contains("in use", Assert.Throws<UserError>(() =>
            LabUp.Plan(Wish() with { Subnet = "10.1.0.0/24" }, null, _ => "in use", () => null, "/b", [])).Message);

    private static LabWish Wish() => new("berth", null, null, null, false, false, [], null);

    private static LabRecord Plan(LabWish wish, LabRecord? existing) =>
        LabUp.Plan(wish, existing, _ => null, () => LabNetwork.Parse("10.211.0.0/24"), "/b", ImmutableArray<string>.Empty);
}
