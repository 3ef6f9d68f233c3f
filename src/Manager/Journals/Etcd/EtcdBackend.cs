using Akka.Actor;
using Akka.Configuration;
using Berth.Manager.Store;
using Google.Protobuf;
using Grpc.Core;
using Microsoft.Extensions.Logging;
using static Berth.Manager.Journals.Etcd.EtcdTransaction;

namespace Berth.Manager.Journals.Etcd;

/// <summary>The store on etcd: journal, snapshots and the record of who leads.</summary>
public sealed class EtcdBackend : IMovableStore
{
    private const long FormatNumber = 1;
    private const string JournalPlugin = "berth.etcd.journal";
    private const string SnapshotPlugin = "berth.etcd.snapshots";

    private readonly EtcdOptions _options;
    private readonly EtcdClient _client;
    private readonly EtcdWatch _watch;
    private readonly EtcdPlugins _plugins;

    /// <summary>A store on the members that <paramref name="options"/> names.</summary>
    /// <param name="options">Where they are.</param>
    /// <param name="term">What this process leads; fences its writes.</param>
    /// <param name="time">For deadlines.</param>
    /// <param name="log">Says what is waited for and what was repaired.</param>
    public EtcdBackend(EtcdOptions options, LeaderTerm term, TimeProvider time, ILogger log)
    {
        _options = options;
        _client = new EtcdClient(options, time);
        _watch = new EtcdWatch(_client, EtcdKeys.Leader, time, log);
        Leader = new EtcdLeaderRecord(_client, _watch);
        var upkeep = new EtcdUpkeep(_client, options, log);
        _plugins = new EtcdPlugins(options, _client, new EtcdLog(_client, upkeep, term, log));
    }

    /// <inheritdoc/>
    public string Kind => "etcd";

    /// <inheritdoc/>
    public string Place => string.Join(", ", _client.Members.Select(member => member.Address.Authority));

    /// <inheritdoc/>
    public ILeaderRecord Leader { get; }

    /// <inheritdoc/>
    public string JournalPluginId => JournalPlugin;

    /// <inheritdoc/>
    public string SnapshotPluginId => SnapshotPlugin;

    // A commit waits for as long as etcd has no majority: Akka must not call it failed while it may still be written.
    /// <inheritdoc/>
    public Config Configuration { get; } = ConfigurationFactory.ParseString($$"""
        {{JournalPlugin}} {
          class = "{{typeof(EtcdJournal).AssemblyQualifiedName}}"
          plugin-dispatcher = "{{StoreSetup.Dispatcher}}"
          replay-dispatcher = "{{StoreSetup.Dispatcher}}"
          recovery-event-timeout = 60s
          circuit-breaker { max-failures = 1, call-timeout = 10d, reset-timeout = 1s }
        }
        {{SnapshotPlugin}} {
          class = "{{typeof(EtcdSnapshots).AssemblyQualifiedName}}"
          plugin-dispatcher = "{{StoreSetup.Dispatcher}}"
          circuit-breaker { max-failures = 5, call-timeout = 10d, reset-timeout = 1s }
        }
        """);

    /// <inheritdoc/>
    public void Bind(ActorSystem system) => _plugins.Register(system);

    /// <inheritdoc/>
    public Task<long> HeadAsync(CancellationToken cancellation) => _plugins.Log.HeadAsync(StoreActor.JournalId, cancellation);

    /// <inheritdoc/>
    public async Task PrepareAsync(CancellationToken cancellation)
    {
        var answer = await _client.TransactAsync(new V3.TxnRequest
        {
            Compare = { IsAbsent(EtcdKeys.Format) },
            Success = { Put(EtcdKeys.Format, EtcdKeys.Value(FormatNumber)) },
            Failure = { Get(EtcdKeys.Format) },
        }, cancellation);
        var format = answer.Succeeded ? FormatNumber : EtcdKeys.NumberIn(answer.Read(0));
        if (format > FormatNumber)
            throw new InvalidDataException($"etcd at {Place} holds format {format}, this berth-manager knows {FormatNumber}; start the version that wrote it, or a newer one");
        await Leader.ReadAsync(cancellation);
        await AssertLimitsAsync(cancellation);
    }

    /// <inheritdoc/>
    public async Task ContinueAsync(long head, long epoch, CancellationToken cancellation)
    {
        var (headKey, leader) = (EtcdKeys.Head(StoreActor.JournalId), EtcdLeaderRecord.Write(LeaderRecord.None with { Epoch = epoch }));
        var answer = await _client.TransactAsync(new V3.TxnRequest
        {
            Compare = { IsAbsent(headKey), IsAbsent(EtcdKeys.Leader) },
            Success =
            {
                Put(headKey, EtcdKeys.Value(head)),
                Put(EtcdKeys.Deleted(StoreActor.JournalId), EtcdKeys.Value(head)),
                Put(EtcdKeys.Leader, leader),
            },
            Failure = { Get(headKey), Get(EtcdKeys.Leader) },
        }, cancellation);
        if (!answer.Succeeded && (EtcdKeys.NumberIn(answer.Read(0)) != head || answer.Read(1)?.Value != leader))
            throw new InvalidDataException($"etcd at {Place} holds a cluster's state already (its log ends at {EtcdKeys.NumberIn(answer.Read(0))}); nothing was changed. Remove its data directory first, if it is not needed");
    }

    /// <inheritdoc/>
    public async Task MarkMovedAsync(string place, long epoch, CancellationToken cancellation)
    {
        var answer = await _client.TransactAsync(new V3.TxnRequest
        {
            Compare = { IsFence(epoch) },
            Success = { Put(EtcdKeys.Moved, ByteString.CopyFromUtf8(place)), Put(EtcdKeys.Fence, EtcdKeys.Value(0)) },
            Failure = { Get(EtcdKeys.Fence) },
        }, cancellation);
        if (!answer.Succeeded && EtcdKeys.NumberIn(answer.Read(0)) != 0)
            throw new FencedException($"epoch {EtcdKeys.NumberIn(answer.Read(0))} has begun, and this manager leads in {epoch}");
    }

    /// <summary>The connections to the members, for who looks after them.</summary>
    internal EtcdClient Client => _client;

    /// <summary>Where the members answer, this host's first, when they have changed.</summary>
    public void Use(System.Collections.Immutable.ImmutableArray<Uri> endpoints) => _client.Use(endpoints);

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _watch.DisposeAsync();
        _client.Dispose();
    }

    // Does nothing, but is as large as a transaction of commits may become: etcd's own limits are too small for that.
    private async Task AssertLimitsAsync(CancellationToken cancellation)
    {
        var never = IsAbsent(EtcdKeys.Format);
        var rows = Enumerable.Range(1, _options.TransactionRows + 2).Select(number => Put(EtcdKeys.Row("limits", number), ByteString.Empty));
        try
        {
            await _client.TransactAsync(new V3.TxnRequest { Compare = { never }, Success = { rows } }, cancellation);
        }
        catch (RpcException error) when (error.StatusCode == StatusCode.InvalidArgument)
        {
            throw new InvalidDataException(
                $"etcd at {Place} refuses transactions of {_options.TransactionRows + 2} operations ({error.Status.Detail}); "
                + "start it with the etcd.yml that the manager wrote", error);
        }
    }
}

/// <summary>What the plugins, which Akka makes by their class names, need to work.</summary>
internal sealed class EtcdPlugins(EtcdOptions options, EtcdClient client, EtcdLog log) : IExtension
{
    public EtcdOptions Options { get; } = options;
    public EtcdClient Client { get; } = client;
    public EtcdLog Log { get; } = log;

    /// <summary>Puts this where the plugins of <paramref name="system"/> look.</summary>
    public void Register(ActorSystem system) => system.RegisterExtension(new Provider(this));

    /// <summary>What was registered.</summary>
    public static EtcdPlugins Of(ActorSystem system) => system.GetExtension<EtcdPlugins>()
        ?? throw new InvalidOperationException($"{nameof(EtcdBackend)}.{nameof(EtcdBackend.Bind)} must be called before the system's first persistent actor starts");

    private sealed class Provider(EtcdPlugins plugins) : ExtensionIdProvider<EtcdPlugins>
    {
        public override EtcdPlugins CreateExtension(ExtendedActorSystem system) => plugins;
    }
}
