using System.Collections.Immutable;
using Berth.Model;
using Berth.Protocol;
using V1 = Berth.Protocol.V1;

namespace Berth.Manager.Store;

/// <summary>Between commits and their rows in the journal. Both ways lose nothing.</summary>
internal static class JournalMapper
{
    public static V1.JournalCommit ToWire(Commit commit)
    {
        var wire = new V1.JournalCommit { Index = commit.Index, AtTicks = commit.At.UtcTicks };
        wire.Changes.Capacity = commit.Changes.Length;
        foreach (var change in commit.Changes)
            wire.Changes.Add(ToWire(change));
        return wire;
    }

    public static Commit ToModel(V1.JournalCommit wire)
    {
        var changes = ImmutableArray.CreateBuilder<Change>(wire.Changes.Count);
        foreach (var change in wire.Changes)
            changes.Add(ToModel(change, wire.Index));
        return new Commit(wire.Index, At(wire.AtTicks), changes.MoveToImmutable());
    }

    public static V1.Id ToWire(UInt128 id) => new() { High = High(id), Low = Low(id) };

    public static UInt128 ToModel(V1.Id id) => new(id.High, id.Low);

    public static DateTimeOffset At(long ticks) => new(ticks, TimeSpan.Zero);

    public static V1.TaskCreated ToWire(Change.TaskCreated created) => new()
    {
        IdHigh = High(created.Id.Value),
        IdLow = Low(created.Id.Value),
        ServiceHigh = High(created.ServiceId.Value),
        ServiceLow = Low(created.ServiceId.Value),
        Slot = created.Slot,
        Node = created.NodeId is { } node ? ToWire(node.Value) : null,
        SpecVersion = created.SpecVersion,
        DesiredState = (V1.TaskState)created.DesiredState,
        Attempt = created.Attempt,
        NotBeforeTicks = created.NotBefore?.UtcTicks ?? 0,
        MadeTicks = created.Made?.UtcTicks ?? 0,
    };

    public static Change.TaskCreated ToModel(V1.TaskCreated wire) => new(
        new TaskId(new UInt128(wire.IdHigh, wire.IdLow)),
        new ServiceId(new UInt128(wire.ServiceHigh, wire.ServiceLow)),
        wire.Slot,
        wire.Node is { } node ? new NodeId(ToModel(node)) : null,
        wire.SpecVersion,
        (TaskState)wire.DesiredState,
        wire.Attempt,
        wire.NotBeforeTicks == 0 ? null : At(wire.NotBeforeTicks))
    {
        Made = wire.MadeTicks == 0 ? null : At(wire.MadeTicks),
    };

    private static V1.JournalChange ToWire(Change change) => change switch
    {
        Change.ClusterFormed formed => new() { ClusterFormed = ToWire(formed.Id.Value) },
        Change.LeaderElected elected => new() { LeaderElected = elected.Epoch },
        Change.ServicePut put => new() { ServicePut = put.Service.ToWire() },
        Change.ServiceRemoved removed => new() { ServiceRemoved = ToWire(removed.Id.Value) },
        Change.StackPut put => new() { StackPut = put.Stack.ToWire() },
        Change.StackRemoved removed => new() { StackRemoved = removed.Name },
        Change.NodePut put => new() { NodePut = ToWire(put.Node) },
        Change.NodeRemoved removed => new() { NodeRemoved = ToWire(removed.Id.Value) },
        Change.TaskCreated created => new() { TaskCreated = ToWire(created) },
        Change.TaskAssigned assigned => new()
        {
            TaskAssigned = new()
            {
                IdHigh = High(assigned.Id.Value),
                IdLow = Low(assigned.Id.Value),
                NodeHigh = High(assigned.NodeId.Value),
                NodeLow = Low(assigned.NodeId.Value),
            },
        },
        Change.TaskDesired desired => new()
        {
            TaskDesired = new()
            {
                IdHigh = High(desired.Id.Value),
                IdLow = Low(desired.Id.Value),
                DesiredState = (V1.TaskState)desired.DesiredState,
                Reason = desired.Reason,
            },
        },
        Change.TaskRespecified respecified => new()
        {
            TaskRespecified = new()
            {
                IdHigh = High(respecified.Id.Value),
                IdLow = Low(respecified.Id.Value),
                SpecVersion = respecified.SpecVersion,
            },
        },
        Change.TaskEnded ended => new()
        {
            TaskEnded = new() { IdHigh = High(ended.Id.Value), IdLow = Low(ended.Id.Value), Status = ended.Status.ToWire() },
        },
        Change.TaskRemoved removed => new() { TaskRemoved = ToWire(removed.Id.Value) },
        Change.TrustPut put => new() { TrustPut = IdentityMapper.ToWire(put.Trust) },
        Change.SettingsPut put => new() { SettingsPut = IdentityMapper.ToWire(put.Settings) },
        Change.IdentityPut put => new() { IdentityPut = IdentityMapper.ToWire(put.Identity) },
        Change.ClientPut put => new() { ClientPut = ToWire(put.Client) },
        Change.ClientRemoved removed => new() { ClientRemoved = removed.Name },
        Change.StoreAuthorityPut put => new() { StoreAuthorityPut = ToWire(put.Authority) },
        Change.LevelRaised raised => new() { LevelRaised = raised.Level },
        Change.NetworkPut put => new() { NetworkPut = put.Network.ToWire() },
        Change.NetworkRemoved removed => new() { NetworkRemoved = ToWire(removed.Id.Value) },
        Change.NodeNetworksPut put => new()
        {
            NodeNetworksPut = new() { Node = ToWire(put.Id.Value), Number = put.Number, Slices = { put.Slices.Select(NetworkMapper.ToWire) } },
        },
        Change.UnlockKeySet set => new() { UnlockKeySet = set.Key ?? "" },
        _ => throw new ArgumentOutOfRangeException(nameof(change), change, "not a change that is journalled"),
    };

    public static V1.JournalClient ToWire(Client client) => new()
    {
        Name = client.Name,
        Role = (int)client.Role,
        Stacks = { client.Stacks },
        CreatedTicks = client.CreatedAt.UtcTicks,
        ExpiresTicks = client.ExpiresAt.UtcTicks,
        Serial = client.Serial,
        KeyHash = client.KeyHash,
    };

    public static Client ToModel(V1.JournalClient wire) => new()
    {
        Name = wire.Name,
        Role = (ClientRole)wire.Role,
        Stacks = wire.Stacks.ToValueList(),
        CreatedAt = At(wire.CreatedTicks),
        ExpiresAt = At(wire.ExpiresTicks),
        Serial = wire.Serial,
        KeyHash = wire.KeyHash,
    };

    public static V1.JournalStoreAuthority ToWire(StoreAuthority authority) => new() { CertificatePem = authority.CertificatePem, KeyPem = authority.KeyPem };

    public static StoreAuthority ToModel(V1.JournalStoreAuthority wire) => new(wire.CertificatePem, wire.KeyPem);

    /// <summary>A node without its status, which is soft.</summary>
    public static V1.Node ToWire(Node node)
    {
        var wire = ObjectMapper.ToWire(node);
        wire.Status = null;
        return wire;
    }

    private static Change ToModel(V1.JournalChange wire, long index) => wire.ChangeCase switch
    {
        V1.JournalChange.ChangeOneofCase.ClusterFormed => new Change.ClusterFormed(new ClusterId(ToModel(wire.ClusterFormed))),
        V1.JournalChange.ChangeOneofCase.LeaderElected => new Change.LeaderElected(wire.LeaderElected),
        V1.JournalChange.ChangeOneofCase.ServicePut => new Change.ServicePut(wire.ServicePut.ToModel()),
        V1.JournalChange.ChangeOneofCase.ServiceRemoved => new Change.ServiceRemoved(new ServiceId(ToModel(wire.ServiceRemoved))),
        V1.JournalChange.ChangeOneofCase.StackPut => new Change.StackPut(wire.StackPut.ToModel()),
        V1.JournalChange.ChangeOneofCase.StackRemoved => new Change.StackRemoved(wire.StackRemoved),
        V1.JournalChange.ChangeOneofCase.NodePut => new Change.NodePut(wire.NodePut.ToModel()),
        V1.JournalChange.ChangeOneofCase.NodeRemoved => new Change.NodeRemoved(new NodeId(ToModel(wire.NodeRemoved))),
        V1.JournalChange.ChangeOneofCase.TaskCreated => ToModel(wire.TaskCreated),
        V1.JournalChange.ChangeOneofCase.TaskAssigned => new Change.TaskAssigned(
            new TaskId(new UInt128(wire.TaskAssigned.IdHigh, wire.TaskAssigned.IdLow)),
            new NodeId(new UInt128(wire.TaskAssigned.NodeHigh, wire.TaskAssigned.NodeLow))),
        V1.JournalChange.ChangeOneofCase.TaskDesired => new Change.TaskDesired(
            new TaskId(new UInt128(wire.TaskDesired.IdHigh, wire.TaskDesired.IdLow)),
            (TaskState)wire.TaskDesired.DesiredState,
            wire.TaskDesired.Reason),
        V1.JournalChange.ChangeOneofCase.TaskRespecified => new Change.TaskRespecified(
            new TaskId(new UInt128(wire.TaskRespecified.IdHigh, wire.TaskRespecified.IdLow)), wire.TaskRespecified.SpecVersion),
        V1.JournalChange.ChangeOneofCase.TaskEnded => new Change.TaskEnded(
            new TaskId(new UInt128(wire.TaskEnded.IdHigh, wire.TaskEnded.IdLow)), wire.TaskEnded.Status.ToModel()),
        V1.JournalChange.ChangeOneofCase.TaskRemoved => new Change.TaskRemoved(new TaskId(ToModel(wire.TaskRemoved))),
        V1.JournalChange.ChangeOneofCase.TrustPut => new Change.TrustPut(IdentityMapper.ToModel(wire.TrustPut)),
        V1.JournalChange.ChangeOneofCase.SettingsPut => new Change.SettingsPut(IdentityMapper.ToModel(wire.SettingsPut)),
        V1.JournalChange.ChangeOneofCase.IdentityPut => new Change.IdentityPut(IdentityMapper.ToModel(wire.IdentityPut)),
        V1.JournalChange.ChangeOneofCase.ClientPut => new Change.ClientPut(ToModel(wire.ClientPut)),
        V1.JournalChange.ChangeOneofCase.ClientRemoved => new Change.ClientRemoved(wire.ClientRemoved),
        V1.JournalChange.ChangeOneofCase.StoreAuthorityPut => new Change.StoreAuthorityPut(ToModel(wire.StoreAuthorityPut)),
        V1.JournalChange.ChangeOneofCase.UnlockKeySet => new Change.UnlockKeySet(wire.UnlockKeySet.Length == 0 ? null : wire.UnlockKeySet),
        V1.JournalChange.ChangeOneofCase.NetworkPut => new Change.NetworkPut(wire.NetworkPut.ToModel()),
        V1.JournalChange.ChangeOneofCase.NetworkRemoved => new Change.NetworkRemoved(new NetworkId(ToModel(wire.NetworkRemoved))),
        V1.JournalChange.ChangeOneofCase.NodeNetworksPut => new Change.NodeNetworksPut(
            new NodeId(ToModel(wire.NodeNetworksPut.Node)), wire.NodeNetworksPut.Number, wire.NodeNetworksPut.Slices.Select(slice => slice.ToModel()).ToValueList()),
        V1.JournalChange.ChangeOneofCase.LevelRaised => new Change.LevelRaised(Readable(wire.LevelRaised)),
        _ => throw new NewerReleaseException(
            $"commit {index} of the state holds a change that this release does not know; start the release of berth-manager that wrote it, or a newer one"),
    };

    /// <summary>A level that this release reads.</summary>
    /// <exception cref="NewerReleaseException">It reads no such state.</exception>
    public static int Readable(int level) => level <= ReleaseLevel.Own ? level : throw NewerReleaseException.Of(level, ReleaseLevel.Own);

    private static ulong High(UInt128 id) => (ulong)(id >> 64);

    private static ulong Low(UInt128 id) => (ulong)id;
}
