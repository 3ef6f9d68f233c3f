using System.Collections.Immutable;
using System.Net;
using System.Net.NetworkInformation;
using System.Text.Json;
using Berth.Identity;
using Berth.Manager.Journals.Etcd;
using Berth.Manager.Store;
using Berth.Model;
using Grpc.Core;
using V1 = Berth.Protocol.V1;
using V3 = Berth.Manager.Journals.Etcd.V3;

namespace Berth.Manager.Members;

/// <summary>Where a manager's host keeps its member of etcd, and where it is reached.</summary>
/// <param name="Node">The host's node id, which is the member's name.</param>
/// <param name="Advertise">Where the manager answers; the member's ports follow from its port.</param>
/// <param name="ManagerDirectory">The manager's data directory.</param>
/// <param name="EtcdDirectory">etcd's directory.</param>
public sealed record MemberPlace(NodeId Node, IPEndPoint Advertise, string ManagerDirectory, string EtcdDirectory)
{
    /// <summary>The place beside a manager's data directory: <c>…/manager</c> and <c>…/etcd</c>.</summary>
    public static MemberPlace Beside(string managerDirectory, NodeId node, IPEndPoint advertise) =>
        new(node, advertise, managerDirectory, Path.Combine(Path.GetDirectoryName(Path.GetFullPath(managerDirectory))!, "etcd"));
}

/// <summary>The member of etcd on this manager's host: its files. The host's supervisor runs it while <c>etcd.yml</c> is there.</summary>
public sealed class LocalMember(MemberPlace place, TimeProvider time)
{
    private static readonly TimeSpan LookEvery = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan ProbeTimeout = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan MajorityAnswers = TimeSpan.FromSeconds(3);
    private static readonly TimeSpan EndsWithin = TimeSpan.FromSeconds(10);

    private readonly Lock _writing = new();
    private readonly string _known = Path.Combine(place.ManagerDirectory, "etcd-members.json");

    /// <summary>How it runs when it is alone; others are added to it.</summary>
    public EtcdConfiguration Configuration { get; } = new()
    {
        Name = place.Node.ToString(),
        Directory = place.EtcdDirectory,
        Address = place.Advertise.Address.ToString(),
        Token = "berth",
        Peers = [new(place.Node.ToString(), PeerUrl(place.Advertise))],
        OwnPeerPort = place.Advertise.Port + PeerOffset,
        OwnClientPort = place.Advertise.Port + ClientOffset,
    };

    // More leaders than the others could have before somebody notices.
    private const long EpochsLeftOut = 1_000_000;
    private const int PeerOffset = 2;
    private const int ClientOffset = 3;

    /// <summary>Where the member beside a manager is reached by other members.</summary>
    public static string PeerUrl(IPEndPoint manager) => EtcdConfiguration.Url(manager.Address.ToString(), manager.Port + PeerOffset);

    /// <summary>Where the member beside a manager is asked.</summary>
    public static string ClientUrl(IPEndPoint manager) => EtcdConfiguration.Url(manager.Address.ToString(), manager.Port + ClientOffset);

    /// <summary>What the leader needs to give this host a member, or a newer certificate.</summary>
    public V1.GetStoreRequest Request() => new()
    {
        NodeId = place.Node.ToString(),
        Address = place.Advertise.ToString(),
        SigningRequest = Google.Protobuf.ByteString.CopyFrom(Configuration.Files.Request(Configuration.Name)),
        HostAddresses = { HostAddresses().Select(address => address.ToString()) },
    };

    /// <summary>Writes everything for a member that is alone, and that the supervisor starts then.</summary>
    /// <param name="authority">etcd's.</param>
    /// <param name="cluster">Keeps members of different clusters apart.</param>
    public async Task FormAsync(StoreAuthority authority, string cluster, CancellationToken cancellation)
    {
        var files = Configuration.Files;
        files.Save(authority.Sign(files.Request(Configuration.Name), Configuration.Name, HostAddresses(), time.GetUtcNow()), authority.CertificatePem);
        Remember([Configuration.ClientUrl]);
        await WriteAsync(Configuration with { Token = cluster }, isNew: true, cancellation);
    }

    /// <summary>Signs a newer certificate when the present one grows old, or does not name an address that this host has by now.</summary>
    /// <returns>Whether there is a new one.</returns>
    public bool Renew(StoreAuthority authority)
    {
        var files = Configuration.Files;
        if (!files.Exist || (time.GetUtcNow() < files.RenewAt() && files.Names(HostAddresses())))
            return false;
        files.Save(authority.Sign(files.Request(Configuration.Name), Configuration.Name, HostAddresses(), time.GetUtcNow()), authority.CertificatePem);
        return true;
    }

    /// <summary>Writes everything for a member that joins others; the newer certificate only, when it is a member already.</summary>
    public async Task JoinAsync(V1.EtcdTicket ticket, CancellationToken cancellation)
    {
        Configuration.Files.Save(ticket.CertificatePem, ticket.AuthorityPem);
        Remember(ticket.Members.Select(member => member.ClientUrl).Where(url => url.Length > 0));
        // The name is how etcd knows that a member has started: without it, data that is here belongs to an earlier membership.
        var isNew = !ticket.Members.Any(member => member.Name == Configuration.Name);
        ImmutableArray<EtcdPeer> peers =
            [.. ticket.Members.Where(member => member.Name.Length > 0 && member.Name != Configuration.Name).Select(member => new EtcdPeer(member.Name, member.PeerUrl)),
             new EtcdPeer(Configuration.Name, Configuration.PeerUrl)];
        await WriteAsync(Configuration with { Peers = peers, Token = ticket.Token, Joins = true }, isNew, cancellation);
    }

    /// <summary>Ends the member for good: its data is forgotten.</summary>
    public async Task LeaveAsync(CancellationToken cancellation)
    {
        if (!Directory.Exists(Configuration.Directory))
            return;
        File.Delete(Configuration.Path);
        await EtcdProcesses.EndAsync(Configuration.Path, EndsWithin, time, cancellation);
        // The folder itself may be where a disk is mounted.
        foreach (var below in Directory.EnumerateDirectories(Configuration.Directory))
            Directory.Delete(below, recursive: true);
        File.Delete(_known);
    }

    /// <summary>Where other members are asked, for a start at which this host's does not answer.</summary>
    public void Remember(IEnumerable<string> clientUrls)
    {
        var urls = clientUrls.Order(StringComparer.Ordinal).ToArray();
        // A demotion looks at the members beside what looks at them anyway.
        lock (_writing)
        {
            if (!urls.SequenceEqual(Known()))
                PrivateText.Write(_known, JsonSerializer.Serialize(urls));
        }
    }

    /// <summary>How a manager on this host asks etcd.</summary>
    public EtcdOptions Options() => new() { Endpoints = Endpoints(Known()), Identity = Configuration.Files.Load };

    /// <summary>This host's address first, then the others.</summary>
    public ImmutableArray<Uri> Endpoints(IEnumerable<string> clientUrls) =>
        [.. clientUrls.Where(url => url != Configuration.ClientUrl).Prepend(Configuration.ClientUrl).Select(url => new Uri(url))];

    /// <summary>Waits until the supervisor has started the member and it answers.</summary>
    /// <exception cref="EtcdUnavailableException">It did not within <paramref name="patience"/>.</exception>
    public async Task AnswersAsync(TimeSpan patience, CancellationToken cancellation)
    {
        using var client = new EtcdClient(new EtcdOptions { Endpoints = [new Uri(Configuration.ClientUrl)], Identity = Configuration.Files.Load }, time);
        var begun = time.GetTimestamp();
        while (true)
        {
            try
            {
                await client.AskAsync(client.Members[0], (member, call) => member.Maintenance.StatusAsync(new V3.StatusRequest(), call), ProbeTimeout, cancellation);
                return;
            }
            catch (RpcException) when (time.GetElapsedTime(begun) < patience)
            {
                await Task.Delay(LookEvery, time, cancellation);
            }
            catch (RpcException error)
            {
                throw new EtcdUnavailableException(
                    $"etcd on this host does not answer at {Configuration.ClientUrl} after {patience.TotalSeconds:0} s ({EtcdErrors.Text(error)}). Its supervisor starts "
                    + $"'etcd --config-file {Configuration.Path}': see its log (journalctl -u berth-etcd), and that the package etcd-server is installed", error);
            }
        }
    }

    /// <summary>After a change of this host's address: says the new one in etcd.yml, and has the supervisor start etcd with it.</summary>
    /// <returns>Whether anything had changed.</returns>
    public async Task<bool> FollowAddressAsync(CancellationToken cancellation)
    {
        if (!File.Exists(Configuration.Path) || (await File.ReadAllTextAsync(Configuration.Path, cancellation)).Contains($"listen-peer-urls: \"{Configuration.PeerUrl}\"", StringComparison.Ordinal))
            return false;
        await WriteAsync(Configuration with { Joins = true }, isNew: false, cancellation);
        return true;
    }

    /// <summary>Whether etcd's other members say that this host has none any more: its removal was begun, and not brought to its end.</summary>
    public async Task<bool> IsRemovedAsync(CancellationToken cancellation)
    {
        using var client = new EtcdClient(Options() with { Patience = ProbeTimeout }, time);
        try
        {
            var members = await new EtcdAdmin(client, ProbeTimeout).ListAsync(cancellation);
            return members.All(member => member.Name != Configuration.Name && !member.PeerURLs.Contains(Configuration.PeerUrl));
        }
        catch (Exception error) when (error is EtcdUnavailableException or RpcException)
        {
            // Nobody says so.
            return false;
        }
    }

    /// <summary>Whether a majority of members can be reached through this host's: it answers what only a majority can.</summary>
    public async Task<bool> HasMajorityAsync(CancellationToken cancellation)
    {
        using var client = new EtcdClient(Options() with { Patience = MajorityAnswers }, time);
        try
        {
            await client.RangeAsync(new V3.RangeRequest { Key = EtcdKeys.Format }, cancellation);
            return true;
        }
        catch (EtcdUnavailableException)
        {
            return false;
        }
    }

    /// <summary>On the one manager that is left: goes on alone with what its member has.</summary>
    /// <param name="patience">How long the member may take to start.</param>
    /// <param name="cancellation">Gives up.</param>
    public async Task RecoverAsync(TimeSpan patience, CancellationToken cancellation)
    {
        var forced = Configuration with { ForgetsOthers = true };
        await WriteAsync(forced, isNew: false, cancellation);
        await AnswersAsync(patience, cancellation);
        // Should the others come back as they were, they are a majority of the old cluster and lead in it: in earlier terms than this
        // one's, so that agents who have heard of this one obey them no more.
        using (var client = new EtcdClient(new EtcdOptions { Endpoints = [new Uri(Configuration.ClientUrl)], Identity = Configuration.Files.Load, Patience = patience }, time))
            await EtcdLeaderRecord.LeaveOutAsync(client, EpochsLeftOut, cancellation);
        // Once is enough, and a second time would forget members that joined since. What is in memory is not read again.
        PrivateText.Write(Configuration.Path, Configuration.ToYaml());
        Remember([Configuration.ClientUrl]);
    }

    /// <summary>Every address of this host, the advertised one first.</summary>
    public IReadOnlyList<IPAddress> HostAddresses() =>
        [.. NetworkInterface.GetAllNetworkInterfaces()
            .SelectMany(card => card.GetIPProperties().UnicastAddresses)
            .Select(address => address.Address)
            .Where(address => !address.IsIPv6LinkLocal)
            .Prepend(place.Advertise.Address).Append(IPAddress.Loopback).Distinct()];

    private async Task WriteAsync(EtcdConfiguration configuration, bool isNew, CancellationToken cancellation)
    {
        var yaml = configuration.ToYaml();
        if (!isNew && File.Exists(configuration.Path) && await File.ReadAllTextAsync(configuration.Path, cancellation) == yaml)
            return;
        // Without the file the supervisor starts nothing in between.
        File.Delete(configuration.Path);
        await EtcdProcesses.EndAsync(configuration.Path, EndsWithin, time, cancellation);
        if (isNew && Directory.Exists(configuration.Data))
            Directory.Delete(configuration.Data, recursive: true);
        PrivateText.Write(configuration.Path, yaml);
    }

    private string[] Known()
    {
        try
        {
            return File.Exists(_known) ? JsonSerializer.Deserialize<string[]>(File.ReadAllText(_known)) ?? [] : [];
        }
        catch (JsonException error)
        {
            throw new InvalidDataException($"'{_known}' is damaged: {error.Message}. Remove it: it is written anew", error);
        }
    }
}
