using System.Collections.Immutable;
using System.Net;
using Berth.Manager.Journals.Etcd;
using Berth.Manager.Members;
using Berth.Manager.Store;
using Berth.Model;
using Google.Protobuf;
using Microsoft.Extensions.Logging.Abstractions;
using V1 = Berth.Protocol.V1;

namespace Berth.Tests.Integration.Members;

/// <summary>Members of real etcd come, go, move and are recovered, while their files are all that a manager touches.</summary>
public sealed class MembershipTests : IAsyncLifetime
{
    private const string Log = "test";
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan EtcdTime = TimeSpan.FromSeconds(10);

    private readonly DirectoryInfo _home = Directory.CreateTempSubdirectory("berth-etcd-");
    private readonly StoreAuthority _authority = EtcdAuthority.Create(TimeProvider.System.GetUtcNow());
    private readonly List<Host> _hosts = [];

    [Fact]
    public async Task One_member_grows_to_three_and_shrinks_to_one_while_it_is_written_to()
    {
        var (one, two, three) = (NewHost(1), NewHost(2), NewHost(3));
        await using var store = await FormAsync(one);
        using var stop = new CancellationTokenSource();
        var written = 0L;
        var writing = Task.Run(async () =>
        {
            while (!stop.IsCancellationRequested)
            {
                await store.Log.AppendAsync(Log, Batch(written + 1), CancellationToken.None);
                Interlocked.Increment(ref written);
            }
        }, CancellationToken.None);

        await JoinAsync(store, two);
        await JoinAsync(store, three);
        await SettleAsync(store, one, two, three);
        Assert.Equal(3, (await store.Admin.ListAsync(default)).Count(member => !member.IsLearner));

        // The one that was there first leaves, whatever it is among the others.
        var leaving = (await store.Admin.ListAsync(default)).Single(member => member.Name == one.Member.Configuration.Name);
        Assert.Null(await store.Admin.TakeAsync(new MemberStep.Remove(leaving.ID), default));
        store.Use(two, three);
        await one.Member.LeaveAsync(default);
        Assert.False(File.Exists(one.Member.Configuration.Path) || Directory.Exists(one.Member.Configuration.Data));
        await SettleAsync(store, two, three);
        await SettleAsync(store, two);
        await three.Member.LeaveAsync(default);

        // And comes back with nothing of what it had.
        await JoinAsync(store, one);
        await SettleAsync(store, two, one);
        await stop.CancelAsync();
        await writing;
        Assert.True(written > 0);
        Assert.Equal(written, await store.Log.HeadAsync(Log, default));
        var rows = 0L;
        await foreach (var (number, _) in store.Log.ReadAsync(Log, 1, long.MaxValue, long.MaxValue, default))
            Assert.Equal(++rows, number);
        Assert.Equal(written, rows);
    }

    [Fact]
    public async Task What_is_left_of_a_lost_majority_goes_on_alone_with_all_it_had_and_takes_others_again()
    {
        var (one, two, three, four) = (NewHost(1), NewHost(2), NewHost(3), NewHost(4));
        var store = await FormAsync(one);
        await JoinAsync(store, two);
        await JoinAsync(store, three);
        await SettleAsync(store, one, two, three);
        for (var number = 1; number <= 20; number++)
            await store.Log.AppendAsync(Log, Batch(number), default);
        await store.DisposeAsync();

        await one.Supervisor.LosePowerAsync();
        await two.Supervisor.LosePowerAsync();
        await three.Member.RecoverAsync(Deadline, default);

        await using var left = await OpenAsync(three);
        Assert.Equal(20, await left.Log.HeadAsync(Log, default));
        await left.Log.AppendAsync(Log, Batch(21), default);
        Assert.Equal([three.Member.Configuration.Name], (await left.Admin.ListAsync(default)).Select(member => member.Name));
        await JoinAsync(left, four);
        await SettleAsync(left, three, four);
        await left.Log.AppendAsync(Log, Batch(22), default);
        Assert.DoesNotContain("force-new-cluster", await File.ReadAllTextAsync(three.Member.Configuration.Path), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_host_that_comes_back_with_another_address_is_found_there()
    {
        var (one, two, three) = (NewHost(1), NewHost(2), NewHost(3));
        await using var store = await FormAsync(one);
        await JoinAsync(store, two);
        await JoinAsync(store, three);
        await SettleAsync(store, one, two, three);

        var moved = new Host(three.Place with { Advertise = new IPEndPoint(IPAddress.Parse("127.0.0.2"), three.Place.Advertise.Port) }, three.Supervisor);
        Assert.True(await moved.Member.FollowAddressAsync(default));
        await moved.Member.JoinAsync(await TicketAsync(store, moved), default);
        await SettleAsync(store, one, two, moved);

        var member = (await store.Admin.ListAsync(default)).Single(member => member.Name == moved.Member.Configuration.Name);
        Assert.Equal((moved.Member.Configuration.PeerUrl, moved.Member.Configuration.ClientUrl), (member.PeerURLs.Single(), member.ClientURLs.Single()));
        Assert.False(await moved.Member.FollowAddressAsync(default));
    }

    /// <inheritdoc/>
    public Task InitializeAsync() => Task.CompletedTask;

    /// <inheritdoc/>
    public async Task DisposeAsync()
    {
        foreach (var host in _hosts)
            await host.Supervisor.DisposeAsync();
        _home.Delete(recursive: true);
    }

    private Host NewHost(int number)
    {
        var place = MemberPlace.Beside(Path.Combine(_home.FullName, $"host{number}", "manager"), new NodeId((UInt128)number), new IPEndPoint(IPAddress.Loopback, ClusterManager.FreePorts()));
        var host = new Host(place, new EtcdSupervisor(Path.Combine(place.EtcdDirectory, "etcd.yml")));
        _hosts.Add(host);
        return host;
    }

    private async Task<Store> FormAsync(Host host)
    {
        await host.Member.FormAsync(_authority, "cluster", default);
        await host.Member.AnswersAsync(Deadline, default);
        return await OpenAsync(host);
    }

    private static async Task<Store> OpenAsync(Host host)
    {
        var store = new Store(host);
        await store.Backend.PrepareAsync(default);
        var record = await store.Backend.Leader.ReadAsync(default);
        store.Term.Begin((await store.Backend.Leader.TryTakeAsync(record, host.Place.Node, "", default))!.Epoch);
        return store;
    }

    // As the leader does it for a manager that asks.
    private async Task JoinAsync(Store store, Host host)
    {
        var members = (await store.Admin.LookAsync(default)).Views;
        Assert.Null(await store.Admin.TakeAsync(new MemberStep.Add(new WantedMember(host.Place.Node, host.Member.Configuration.PeerUrl, IsReady: true)), default));
        await host.Member.JoinAsync(await TicketAsync(store, host), default);
        await host.Member.AnswersAsync(Deadline, default);
        store.Use([.. store.Hosts, host]);
        await SettleAsync(store, [.. store.Hosts]);
        Assert.Equal(members.Length + 1, (await store.Admin.ListAsync(default)).Length);
    }

    private async Task<V1.EtcdTicket> TicketAsync(Store store, Host host)
    {
        var request = host.Member.Request();
        var ticket = new V1.EtcdTicket
        {
            CertificatePem = _authority.Sign(request.SigningRequest.ToByteArray(), request.NodeId, request.HostAddresses.Select(IPAddress.Parse), TimeProvider.System.GetUtcNow()),
            AuthorityPem = _authority.CertificatePem,
            Token = "cluster",
        };
        foreach (var member in await store.Admin.ListAsync(default))
            ticket.Members.Add(new V1.EtcdMemberAddress { Name = member.Name, PeerUrl = member.PeerURLs.FirstOrDefault() ?? "", ClientUrl = member.ClientURLs.FirstOrDefault() ?? "" });
        return ticket;
    }

    // Takes steps until exactly these are voters and alive.
    private static async Task SettleAsync(Store store, params Host[] hosts)
    {
        store.Use([.. store.Hosts.Union(hosts)]);
        var wanted = hosts.Select(host => new WantedMember(host.Place.Node, host.Member.Configuration.PeerUrl, IsReady: true)).ToImmutableArray();
        using var deadline = new CancellationTokenSource(Deadline);
        while (true)
        {
            var members = (await store.Admin.LookAsync(deadline.Token)).Views;
            if (MembersDecider.Next(wanted, members) is { } step)
                await store.Admin.TakeAsync(step, deadline.Token);
            else if (members.Length == hosts.Length && members.All(member => member is { IsAlive: true, IsLearner: false }))
                break;
            await Task.Delay(100, deadline.Token);
        }
        store.Use(hosts);
    }

    private static EtcdBatch Batch(long number) =>
        new([new EtcdCommit(number, [new EtcdRow { Payload = ByteString.CopyFromUtf8($"commit {number}"), Writer = "me" }.ToByteString()])]);

    private sealed record Host(MemberPlace Place, EtcdSupervisor Supervisor)
    {
        public LocalMember Member { get; } = new(Place, TimeProvider.System);
    }

    private sealed class Store : IAsyncDisposable
    {
        public Store(Host host)
        {
            Hosts = [host];
            Backend = new EtcdBackend(host.Member.Options(), Term, TimeProvider.System, NullLogger.Instance);
            Log = new EtcdLog(Backend.Client, new EtcdUpkeep(Backend.Client, host.Member.Options(), NullLogger.Instance), Term, NullLogger.Instance);
        }

        public ImmutableArray<Host> Hosts { get; private set; }
        public LeaderTerm Term { get; } = new();
        public EtcdBackend Backend { get; }
        public EtcdLog Log { get; }
        public EtcdAdmin Admin => Backend.Admin(EtcdTime);

        public void Use(params Host[] hosts)
        {
            Hosts = [.. hosts];
            Backend.Use([.. hosts.Select(host => new Uri(host.Member.Configuration.ClientUrl))]);
        }

        public ValueTask DisposeAsync() => Backend.DisposeAsync();
    }
}
