using System.Collections.Immutable;
using System.Net;
using Berth.Manager.Journals.Etcd;
using Berth.Manager.Leadership;
using Berth.Manager.Store;
using Berth.Model;
using Grpc.Core;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using V1 = Berth.Protocol.V1;

namespace Berth.Manager.Members;

/// <summary>Keeps a member of etcd on every manager's host: the leader adds, promotes, moves and removes, one at a time, as
/// <see cref="MembersDecider"/> says; every manager looks how they are.</summary>
public sealed class MembersCoordinator(
    ActiveStore active, LocalMember? local, MemberPlace? place, IClusterView view, ILeadership leadership, StoreGrowth? growth, OtherManagers others,
    MemberDialer dial, TimeProvider time, ILogger<MembersCoordinator> log) : BackgroundService, IStoreMembers
{
    private static readonly TimeSpan LookEvery = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan EtcdTime = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan LongestWait = TimeSpan.FromSeconds(30);

    // Between the end of a member and the end of the role lies one command.
    private static readonly TimeSpan VoicelessWait = TimeSpan.FromSeconds(5);

    private readonly SemaphoreSlim _one = new(1);
    private ImmutableHashSet<NodeId> _ready = [];
    private volatile Known _known = Known.Nothing;
    private long? _voicelessSince;
    private string _refused = "";
    private bool _isChanging;

    /// <inheritdoc/>
    public string Kind => active.Backend.Kind;

    /// <inheritdoc/>
    public ImmutableDictionary<NodeId, string> States => _known.States;

    /// <inheritdoc/>
    public ImmutableArray<string> Advice => ManagerQuorum.Advice(Managers(), IsEtcd);

    /// <summary>Whether more than half of the managers are needed.</summary>
    public bool IsEtcd => active.Backend is EtcdBackend;

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        try
        {
            while (true)
            {
                // A manager waits for its member to become a voter; when there is nothing to do, there is no hurry.
                await Task.Delay(_isChanging ? LookEvery / 5 : LookEvery, time, stoppingToken);
                await LookAsync(stoppingToken);
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // The manager stops.
        }
    }

    /// <summary>What a manager's host needs to take part in the store; moves the state into etcd first when it is not where
    /// several managers can reach it.</summary>
    /// <exception cref="RpcException">It cannot be had now; for who asked.</exception>
    public async Task<V1.StoreTicket> AdmitAsync(V1.GetStoreRequest request, NodeId node, CancellationToken cancellation)
    {
        if (!IPEndPoint.TryParse(request.Address, out var address) || address.Port == 0)
            throw new RpcException(new Grpc.Core.Status(StatusCode.InvalidArgument, $"'{request.Address}' is no address with a port, such as 10.0.0.1:2400"));
        await _one.WaitAsync(cancellation);
        try
        {
            if (view.Current.Nodes.TryGetValue(node, out var asker) && asker.Spec.Role != NodeRole.Manager)
                throw new RpcException(new Grpc.Core.Status(StatusCode.PermissionDenied, $"'{NameOf(node)}' is no manager any more"));
            if (active.Backend.Kind == "sqlite")
                await (growth ?? throw Unavailable("this manager is alone: it has no manager.json, so nobody can join it")).IntoEtcdAsync(cancellation);
            if (active.Backend is not EtcdBackend etcd)
                return new V1.StoreTicket { Kind = active.Backend.Kind, Postgres = growth?.PostgresSettings ?? "" };
            var wanted = new WantedMember(node, LocalMember.PeerUrl(address), IsReady: true);
            _ready = _ready.Add(node);
            await EtcdPlaces.MakeAsync(etcd.Admin(EtcdTime), wanted, NameOf(node), Wanted, time, cancellation);
            // It is to become a voter, and the next one waits for that.
            _isChanging = true;
            return new V1.StoreTicket { Kind = "etcd", Etcd = EtcdPlaces.Ticket(view.Current, request, address, await etcd.Admin(EtcdTime).ListAsync(cancellation), time.GetUtcNow()) };
        }
        finally
        {
            _one.Release();
        }
    }

    /// <summary>Moves the state into another store.</summary>
    /// <exception cref="InvalidDataException">It cannot be; nothing was changed.</exception>
    public async Task MigrateAsync(string kind, string postgres, CancellationToken cancellation)
    {
        var moves = growth ?? throw new InvalidDataException("this manager is alone: it has no manager.json; run berth cluster init first");
        await _one.WaitAsync(cancellation);
        try
        {
            var managers = view.Current.Nodes.Values.Count(node => node.Spec.Role == NodeRole.Manager);
            if (kind == Kind)
                throw new InvalidDataException($"it is there already, at {active.Backend.Place}");
            if (kind == "sqlite" && managers > 1)
                throw new InvalidDataException($"files belong to one manager and there are {managers}; demote the others first: berth node demote NODE");
            await (kind switch
            {
                "etcd" => moves.IntoEtcdAsync(cancellation),
                "postgres" => moves.IntoPostgresAsync(postgres, cancellation),
                "sqlite" => moves.IntoFilesAsync(cancellation),
                _ => throw new InvalidDataException($"'{kind}' is no store; write etcd, postgres or sqlite"),
            });
        }
        finally
        {
            _one.Release();
        }
    }

    /// <summary>Ends a manager's part in the store, and then its role: the other way round its host would take its voice along.</summary>
    /// <param name="node">The manager.</param>
    /// <param name="isForced">Also when those left could not decide.</param>
    /// <param name="setRole">Ends its role. Until it has, nobody gives the node a member again.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <exception cref="RpcException">It must not be, with the numbers; or etcd refused it.</exception>
    public async Task DemoteAsync(NodeId node, bool isForced, Func<Task> setRole, CancellationToken cancellation)
    {
        await _one.WaitAsync(cancellation);
        try
        {
            if (ManagerQuorum.Problem(Managers(), node, IsEtcd, isForced) is { } problem)
                throw new RpcException(new Grpc.Core.Status(StatusCode.FailedPrecondition, problem));
            // From here on it is brought to its end, whether or not who asked still waits: between the two the manager has no voice.
            if (active.Backend is EtcdBackend etcd)
                await RemoveAsync(etcd, node, CancellationToken.None);
            await setRole();
        }
        finally
        {
            _one.Release();
        }
    }

    private async Task RemoveAsync(EtcdBackend etcd, NodeId node, CancellationToken cancellation)
    {
        _ready = _ready.Remove(node);
        var admin = etcd.Admin(EtcdTime);
        if ((await admin.ListAsync(cancellation)).FirstOrDefault(member => EtcdAdmin.NodeOf(member) == node) is { } leaving)
        {
            await admin.SpareAsync(leaving, cancellation);
            if (await admin.TakeAsync(new MemberStep.Remove(leaving.ID), cancellation) is { } problem)
                throw new RpcException(new Grpc.Core.Status(StatusCode.FailedPrecondition,
                    $"etcd does not remove its member on '{NameOf(node)}': {problem}. See berth cluster status, and try again"));
        }
        await FollowAsync(etcd, cancellation);
        log.LogInformation("The member of etcd on {Node} is removed", NameOf(node));
    }

    private async Task LookAsync(CancellationToken cancellation)
    {
        await others.KeepAsync(cancellation);
        if (active.Backend is not EtcdBackend etcd || local is null)
        {
            _known = Known.Nothing;
            return;
        }
        try
        {
            if (view.Current.StoreAuthority is { } authority && local.Renew(authority))
                log.LogInformation("The certificate of this host's member of etcd is a new one");
            var look = await FollowAsync(etcd, cancellation);
            await ReturnAsync(etcd, look, cancellation);
            if (leadership.IsLeading && leadership.HasValidLease && await _one.WaitAsync(TimeSpan.Zero, cancellation))
            {
                try
                {
                    await StepAsync(etcd, look, cancellation);
                }
                finally
                {
                    _one.Release();
                }
            }
        }
        catch (Exception error) when (error is IOException or RpcException)
        {
            _known = _known with { States = _known.States.ToImmutableDictionary(state => state.Key, _ => "unhealthy: etcd does not answer") };
            log.LogDebug("The members of etcd could not be looked at: {Reason}", error.Message);
        }
    }

    // Where they answer now, and how they are.
    private async Task<EtcdLook> FollowAsync(EtcdBackend etcd, CancellationToken cancellation)
    {
        var admin = etcd.Admin(EtcdTime);
        var listed = await admin.ListAsync(cancellation);
        var urls = listed.SelectMany(member => member.ClientURLs).ToList();
        etcd.Use(local!.Endpoints(urls));
        local.Remember(urls);
        var look = await admin.LookAsync(listed, cancellation);
        _known = new Known(look.States);
        return look;
    }

    // A demotion that ended half-way (its leader was lost in between) leaves a manager whose host has no member: it asks for one again, as it
    // does at its start. Who is being demoted hears of it long before.
    private async Task ReturnAsync(EtcdBackend etcd, EtcdLook look, CancellationToken cancellation)
    {
        var isManager = view.Current.Nodes.TryGetValue(place!.Node, out var me) && me.Spec.Role == NodeRole.Manager;
        if (!isManager || look.Views.Any(member => member.Node == place.Node))
        {
            _voicelessSince = null;
            return;
        }
        _voicelessSince ??= time.GetTimestamp();
        // One without a name has not started yet: it is given the time, unless what this host has is of a member that was removed.
        var isStarting = look.Views.Any(member => member.PeerUrl == LocalMember.PeerUrl(place.Advertise));
        if (time.GetElapsedTime(_voicelessSince.Value) < (isStarting ? LongestWait : VoicelessWait))
            return;
        _voicelessSince = null;
        log.LogWarning("This manager has no voice in etcd, and is a manager still: a demotion did not come to its end. It asks for a voice again");
        try
        {
            var ticket = leadership.IsLeading ? await AdmitAsync(local!.Request(), place.Node, cancellation) : await AskLeaderAsync(cancellation);
            if (ticket.Etcd is not { } member)
                return;
            await local!.JoinAsync(member, cancellation);
            etcd.Use(local.Endpoints(member.Members.Select(one => one.ClientUrl).Where(url => url.Length > 0)));
            log.LogInformation("This host has a member of etcd again; it gets its voice once it has caught up");
        }
        catch (Exception error) when (error is RpcException or IOException or InvalidDataException)
        {
            log.LogWarning("No voice in etcd could be had: {Reason}; asked again in {Seconds:0} s", error is RpcException refused ? refused.Status.Detail : error.Message, VoicelessWait.TotalSeconds);
        }
    }

    private async Task<V1.StoreTicket> AskLeaderAsync(CancellationToken cancellation)
    {
        if (leadership.Current.Url is not { Length: > 0 } url)
            throw Unavailable("nobody leads just now");
        using var channel = dial.Dial(url);
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        patience.CancelAfter(LongestWait + EtcdTime);
        return await new V1.Members.MembersClient(channel).GetStoreAsync(local!.Request(), cancellationToken: patience.Token);
    }

    private async Task StepAsync(EtcdBackend etcd, EtcdLook look, CancellationToken cancellation)
    {
        var admin = etcd.Admin(EtcdTime);
        var step = MembersDecider.Next(Wanted(), look.Views);
        _isChanging = step is not null;
        if (step is null)
            return;
        var refused = await admin.TakeAsync(step, cancellation) ?? "";
        if (refused.Length == 0)
            log.LogInformation("etcd's membership: {Step}", step);
        else if (refused != _refused)
            log.LogDebug("etcd refused {Step}: {Reason}", step, refused);
        _refused = refused;
    }

    private ImmutableArray<WantedMember> Wanted()
    {
        var others = ManagerEndpoints.Of(view.Current)
            .Where(manager => manager.Node != place!.Node)
            .Select(manager => (manager.Node, Address: EndPointOf(manager.Url)))
            .Select(manager => new WantedMember(manager.Node, LocalMember.PeerUrl(manager.Address), _ready.Contains(manager.Node)));
        // A leader that was demoted leads for a moment yet; it gives itself nothing back.
        return view.Current.Nodes.TryGetValue(place!.Node, out var me) && me.Spec.Role != NodeRole.Manager
            ? [.. others]
            : [.. others, new WantedMember(place.Node, LocalMember.PeerUrl(place.Advertise), IsReady: true)];
    }

    // One that has just been promoted has no voice in etcd yet, and nothing waits for it. Before etcd answered for the first time all count.
    private ImmutableArray<ManagerView> Managers()
    {
        var states = _known.States;
        return [.. view.Current.Nodes.Values
            .Where(node => node.Spec.Role == NodeRole.Manager && (!IsEtcd || states.IsEmpty || states.GetValueOrDefault(node.Id, "learner") is not ("learner" or "unstarted")))
            .Select(node => new ManagerView(
                node.Id, node.Description.Hostname, IsEtcd ? states.GetValueOrDefault(node.Id) == "started" : node.Status.State == NodeState.Ready))];
    }

    private static IPEndPoint EndPointOf(string url)
    {
        var address = new Uri(url);
        return new IPEndPoint(IPAddress.Parse(address.DnsSafeHost), address.Port);
    }

    private string NameOf(NodeId node) => view.Current.Nodes.TryGetValue(node, out var known) ? known.Description.Hostname : node.ToString();

    private static RpcException Unavailable(string why) => new(new Grpc.Core.Status(StatusCode.Unavailable, why));

    private sealed record Known(ImmutableDictionary<NodeId, string> States)
    {
        public static Known Nothing { get; } = new(ImmutableDictionary<NodeId, string>.Empty);
    }
}
