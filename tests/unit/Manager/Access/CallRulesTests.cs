using System.Reflection;
using Berth.Identity;
using Berth.Manager.Access;
using Berth.Manager.Store;
using Berth.Model;
using Berth.Protocol.V1;
using Google.Protobuf;
using Google.Protobuf.Reflection;
using static Berth.Tests.Manager.Store.Samples;
using Client = Berth.Model.Client;
using NodeRole = Berth.Model.NodeRole;

namespace Berth.Tests.Manager.Access;

/// <summary>Who may make which call: the whole table, against every call there is.</summary>
public sealed class CallRulesTests
{
    private static readonly DateTimeOffset Until = Noon.AddDays(1);

    private static readonly ClusterState State = ClusterState.Empty
        .After(ANode(1), ANode(2), new Command.DeployStack(AStack("shop", ASpec("shop_web") with { Labels = ValueMap.Of(StackLabels.Namespace, "shop") }), false))
        .After(new Command.DeployStack(AStack("blog", ASpec("blog_web") with { Labels = ValueMap.Of(StackLabels.Namespace, "blog") }), false))
        .After(new Command.CreateService(ASpec("alone")))
        .After(Admit("ann", ClientRole.Admin), Admit("dan", ClientRole.Deployer, "shop"), Admit("dora", ClientRole.Deployer, Client.EveryStack), Admit("vic", ClientRole.Viewer))
        .After(ANode(9, "manager9") with { Role = NodeRole.Manager })
        .After(Joining(9, CertificateRole.Manager), Joining(1), Joining(2));

    private static readonly Dictionary<string, Caller> Callers = new()
    {
        ["socket"] = new Caller(CallerKind.LocalRoot, "root on 'berth1'", "unix:///run/berth/manager.sock"),
        ["admin"] = AClient("ann"),
        ["deployer"] = AClient("dan"),
        ["deployer of all"] = AClient("dora"),
        ["viewer"] = AClient("vic"),
        ["removed client"] = AClient("rick"),
        ["earlier certificate"] = AClient("ann") with { Serial = "0B" },
        ["expired client"] = AClient("ann") with { ExpiresAt = Noon.AddMinutes(-1) },
        ["manager"] = ANodeCaller(CallerKind.Manager, 9),
        ["removed manager"] = ANodeCaller(CallerKind.Manager, 8),
        ["demoted manager"] = ANodeCaller(CallerKind.Manager, 1),
        ["agent"] = ANodeCaller(CallerKind.Worker, 1),
        ["agent with another's key"] = ANodeCaller(CallerKind.Worker, 1) with { KeyHash = "key2" },
        ["agent that calls itself a manager"] = ANodeCaller(CallerKind.Manager, 9) with { KeyHash = "key1" },
        ["removed agent"] = ANodeCaller(CallerKind.Worker, 7),
        ["nobody"] = new Caller(CallerKind.Anonymous, "", "10.0.0.9:4711"),
    };

    /// <summary>Every call of every service of the protocol, as its path.</summary>
    public static TheoryData<string> EveryCall { get; } = new(Services().SelectMany(service => service.Methods).Select(method => $"/{method.Service.FullName}/{method.Name}"));

    [Fact]
    public void A_manager_asks_for_its_own_part_of_the_store_only()
    {
        var rule = CallRules.Of("/berth.v1.Members/GetStore")!;
        Assert.Null(AccessDecider.Refuse(rule, Callers["manager"], State, new GetStoreRequest { NodeId = new NodeId(9).ToString() }));
        Assert.Contains("cannot speak for node", AccessDecider.Refuse(rule, Callers["manager"], State, new GetStoreRequest { NodeId = new NodeId(1).ToString() }));
    }

    [Theory]
    [MemberData(nameof(EveryCall))]
    public void Every_call_has_a_rule(string path) => Assert.NotNull(CallRules.Of(path));

    [Theory]
    [MemberData(nameof(EveryCall))]
    public void Who_is_removed_expired_or_nobody_makes_no_call_but_enrolment(string path)
    {
        foreach (var who in (string[])["removed client", "earlier certificate", "expired client", "removed manager", "demoted manager", "removed agent", "agent with another's key", "agent that calls itself a manager", "nobody"])
            Assert.Equal(path.StartsWith("/berth.v1.Enrollment/", StringComparison.Ordinal), May(who, path));
    }

    [Theory]
    [MemberData(nameof(EveryCall))]
    public void A_role_may_do_all_that_the_lesser_ones_may(string path)
    {
        Assert.True(!May("viewer", path) || May("deployer", path), path);
        Assert.True(!May("deployer", path) || May("deployer of all", path), path);
        Assert.True(!May("deployer of all", path) || May("admin", path), path);
        Assert.True(!May("admin", path) || May("socket", path), path);
    }

    [Theory]
    [MemberData(nameof(EveryCall))]
    public void A_viewer_makes_no_call_that_is_written_down(string path) =>
        Assert.False(May("viewer", path) && CallRules.Of(path)!.IsAudited && !path.Contains("Enrollment"), path);

    [Theory]
    [MemberData(nameof(EveryCall))]
    public void Every_call_that_the_table_says_changes_something_is_written_down(string path)
    {
        var rule = CallRules.Of(path)!;
        if (rule.Audience == Audience.Deployers)
            Assert.True(rule.IsAudited, path);
    }

    [Fact]
    public void The_table_is_as_the_documentation_shows_it()
    {
        string[] columns = ["socket", "admin", "deployer", "viewer", "manager", "agent", "nobody"];
        var rows = Services().SelectMany(service => service.Methods).Select(method => $"/{method.Service.FullName}/{method.Name}").Order(StringComparer.Ordinal)
            .Select(path => $"{path["/berth.v1.".Length..]}: {string.Join(", ", columns.Where(who => May(who, path)))}{(CallRules.Of(path)!.IsAudited ? " (audited)" : "")}");
        var expected = House.SourceTree.Read("tests/unit/Manager/Access/calls.txt");

        Assert.Equal(expected.TrimEnd(), string.Join('\n', rows));
    }

    [Fact]
    public void A_certificate_of_a_clients_name_and_number_is_worth_nothing_for_another_key()
    {
        var state = State.Committed(new Change.ClientPut(State.Clients["ann"] with { KeyHash = "ff" }));
        var rule = CallRules.Of("/berth.v1.Control/ListNodes");

        Assert.Null(AccessDecider.Refuse(rule, Callers["admin"], state, Noon));
        Assert.Contains("another key", AccessDecider.Refuse(rule, Callers["admin"] with { KeyHash = "ee" }, state, Noon));
    }

    [Fact]
    public void A_deployer_changes_its_stacks_only() => Assert.All(
        new (string Call, IMessage Own, IMessage Foreign)[]
        {
            ("DeployStack", new DeployStackRequest { Spec = new() { Name = "shop" } }, new DeployStackRequest { Spec = new() { Name = "blog" } }),
            ("RemoveStack", new RemoveStackRequest { Name = "shop" }, new RemoveStackRequest { Name = "blog" }),
            ("CreateService", new CreateServiceRequest { Spec = Spec("shop") }, new CreateServiceRequest { Spec = Spec(null) }),
            ("UpdateService", new UpdateServiceRequest { Id = "shop_web", Spec = Spec("shop") }, new UpdateServiceRequest { Id = "blog_web", Spec = Spec("shop") }),
            ("UpdateService", new UpdateServiceRequest { Id = "shop_web", Spec = Spec("shop") }, new UpdateServiceRequest { Id = "shop_web", Spec = Spec("blog") }),
            ("UpdateService", new UpdateServiceRequest { Id = "shop_web", Spec = Spec("shop") }, new UpdateServiceRequest { Id = "shop_web", Spec = Spec(null) }),
            ("ScaleServices", Scale("shop_web"), Scale("shop_web", "alone")),
            ("RollbackService", new RollbackServiceRequest { Service = "shop_web" }, new RollbackServiceRequest { Service = "blog_web" }),
            ("RemoveServices", new RemoveServicesRequest { Services = { "shop_web" } }, new RemoveServicesRequest { Services = { "shop_web", "nothing" } }),
            ("Exec", new ExecInput { Start = new() { Task = TaskOf("shop_web") } }, new ExecInput { Start = new() { Task = TaskOf("blog_web") } }),
        },
        each =>
        {
            var rule = CallRules.Of($"/berth.v1.Control/{each.Call}")!;
            Assert.Null(AccessDecider.Refuse(rule, Callers["deployer"], WithTasks, each.Own));
            Assert.Contains("deployer 'dan' may not change", AccessDecider.Refuse(rule, Callers["deployer"], WithTasks, each.Foreign));
            Assert.Null(AccessDecider.Refuse(rule, Callers["admin"], WithTasks, each.Foreign));
        });

    [Fact]
    public void A_deployer_puts_services_into_networks_of_its_own_stacks_and_of_no_stack()
    {
        var state = State.Committed(new Change.LevelRaised(Berth.Protocol.ReleaseLevel.Networks), ANetwork(1, "shop_default", "shop"), ANetwork(2, "blog_default", "blog"), ANetwork(3, "shared", null));
        var rule = CallRules.Of("/berth.v1.Control/CreateService")!;
        Assert.Null(AccessDecider.Refuse(rule, Callers["deployer"], state, In("shop_default")));
        Assert.Null(AccessDecider.Refuse(rule, Callers["deployer"], state, In("shared")));
        Assert.Contains("deployer 'dan' may not change network 'blog_default'", AccessDecider.Refuse(rule, Callers["deployer"], state, In("blog_default")));
        Assert.Null(AccessDecider.Refuse(rule, Callers["admin"], state, In("blog_default")));

        static CreateServiceRequest In(string network)
        {
            var spec = Spec("shop");
            spec.Task = new Berth.Protocol.V1.TaskSpec { Networks = { new Berth.Protocol.V1.NetworkAttachment { Target = network } } };
            return new CreateServiceRequest { Spec = spec };
        }

        static Change.NetworkPut ANetwork(int number, string name, string? stack) => new(new Berth.Model.Networks.Network
        {
            Id = new NetworkId((UInt128)number), CreatedAt = Noon, Subnet = System.Net.IPNetwork.Parse($"10.130.{16 * number}.0/20"),
            Spec = new Berth.Model.Networks.NetworkSpec { Name = name, Labels = stack is null ? ValueMap.Empty : ValueMap.Of(StackLabels.Namespace, stack) },
        });
    }

    [Fact]
    public void A_deployer_of_every_stack_changes_nothing_that_belongs_to_none()
    {
        var rule = CallRules.Of("/berth.v1.Control/ScaleServices")!;
        Assert.Null(AccessDecider.Refuse(rule, Callers["deployer of all"], State, Scale("shop_web", "blog_web")));
        Assert.NotNull(AccessDecider.Refuse(rule, Callers["deployer of all"], State, Scale("alone")));
    }

    [Fact]
    public void An_agent_speaks_for_its_own_node_only()
    {
        var rule = CallRules.Of("/berth.v1.Dispatcher/Session")!;
        var own = new AgentMessage { Register = new Register { NodeId = Callers["agent"].Name } };
        var other = new AgentMessage { Register = new Register { NodeId = new NodeId(2).ToString() } };

        Assert.Null(AccessDecider.Refuse(rule, Callers["agent"], State, own));
        Assert.Contains("cannot speak for node", AccessDecider.Refuse(rule, Callers["agent"], State, other));
    }

    [Fact]
    public void A_call_that_is_passed_on_is_judged_by_its_caller_and_by_the_manager_that_passes_it_on()
    {
        const string path = "/berth.v1.Control/DeployStack";
        Assert.Null(Refuse(Callers["admin"] with { Via = Callers["manager"] }, path));
        Assert.Null(Refuse(Callers["socket"] with { Via = Callers["manager"] }, path));
        Assert.NotNull(Refuse(Callers["viewer"] with { Via = Callers["manager"] }, path));
        foreach (var wrong in (string[])["removed manager", "demoted manager", "agent", "admin", "nobody"])
            Assert.NotNull(Refuse(Callers["admin"] with { Via = Callers[wrong] }, path));
        Assert.NotNull(Refuse(Callers["socket"] with { Via = Callers["manager"] }, "/berth.v1.ClusterAdmin/Unlock"));
    }

    [Fact]
    public void A_call_without_a_rule_is_refused_whoever_makes_it() => Assert.All(
        Callers.Values, caller => Assert.Equal(AccessDecider.NoSuchCall, AccessDecider.Refuse(null, caller, State, Noon)));

    [Fact]
    public void A_caller_survives_being_passed_on()
    {
        foreach (var caller in Callers.Values)
        {
            var read = Caller.FromWire(OriginalCaller.Parser.ParseFrom(caller.ToWire().ToByteArray()), Callers["manager"]);
            Assert.Equal(caller with { Via = Callers["manager"] }, read);
        }
    }

    [Theory]
    [MemberData(nameof(EveryCall))]
    public void What_a_call_is_about_is_said_also_of_an_empty_message(string path)
    {
        var method = Services().SelectMany(service => service.Methods).Single(method => path == $"/{method.Service.FullName}/{method.Name}");
        var empty = method.InputType.Parser.ParseFrom(ReadOnlySpan<byte>.Empty);

        Assert.All(CallRules.Of(path)!.Subjects(State, empty), subject => Assert.NotNull(subject.Name));
        Assert.Null(CallRules.Of(path)!.NodeOf(empty));
    }

    [Fact]
    public void What_is_written_down_of_a_call_holds_no_secret()
    {
        IMessage[] secret =
        [
            new UnlockRequest { Key = "s3cret" }, new BackupRequest { Passphrase = "s3cret" }, new RotateAuthorityRequest { KeyPem = "s3cret" },
            new MigrateStoreRequest { Store = "postgres", Postgres = "Password=s3cret" }, new EnrollRequest { Token = "s3cret" },
            new ExecInput { Start = new ExecStart { Task = "t", Command = { "s3cret" }, Env = { "A=s3cret" } } },
            new CreateServiceRequest { Spec = new() { Name = "web", Task = new() { Container = new() { Env = { "A=s3cret" } } } } },
        ];
        foreach (var message in secret)
        {
            var method = Services().SelectMany(service => service.Methods).Single(method => method.InputType == message.Descriptor);
            var rule = CallRules.Of($"/{method.Service.FullName}/{method.Name}")!;
            Assert.DoesNotContain("s3cret", string.Join(' ', rule.Subjects(State, message)));
        }
    }

    private static ClusterState WithTasks { get; } = State.WithTasks("shop_web", 1).WithTasks("blog_web", 1);

    private static string TaskOf(string service) => WithTasks.TasksOf(WithTasks.FindService(service)!.Id).First().Id.ToString();

    private static bool May(string who, string path) => Refuse(Callers[who], path) is null;

    private static string? Refuse(Caller caller, string path) => AccessDecider.Refuse(CallRules.Of(path), caller, State, Noon);

    private static Command.AdmitClient Admit(string name, ClientRole role, params ValueList<string> stacks) => new(name, role, stacks, "0A", Until);

    private static Caller AClient(string name) => new(CallerKind.Client, name, "10.0.0.5:1") { Serial = "0A", KeyHash = "ff", ExpiresAt = Until };

    private static Caller ANodeCaller(CallerKind kind, int number) => new(kind, new NodeId((UInt128)number).ToString(), "10.0.0.6:1") { Serial = "0A", KeyHash = $"key{number}", ExpiresAt = Until };

    private static ScaleServicesRequest Scale(params string[] services) =>
        new() { Scales = { services.Select(service => new ScaleServicesRequest.Types.Scale { Service = service, Replicas = 1 }) } };

    private static Protocol.V1.ServiceSpec Spec(string? stack)
    {
        var spec = new Protocol.V1.ServiceSpec { Name = $"{stack}_new" };
        if (stack is not null)
            spec.Labels[StackLabels.Namespace] = stack;
        return spec;
    }

    private static IEnumerable<ServiceDescriptor> Services() => typeof(Control).Assembly.GetTypes()
        .Where(type => type.Namespace == "Berth.Protocol.V1")
        .Select(type => type.GetProperty("Descriptor", BindingFlags.Public | BindingFlags.Static)?.GetValue(null))
        .OfType<ServiceDescriptor>().OrderBy(service => service.FullName, StringComparer.Ordinal);
}
