using Berth.Manager.Journals.Etcd;
using Berth.Manager.Store;
using Berth.Tests.Integration.Members;
using Microsoft.Extensions.Logging.Abstractions;

namespace Berth.Tests.Integration.Stores;

public sealed class EtcdContractTests : StoreContract
{
    protected override bool WaitsForItsServer => true;

    protected override Task<IStorePlace> NewPlaceAsync() => Task.FromResult<IStorePlace>(EtcdPlace.New());
}

/// <summary>One real member of etcd.</summary>
public sealed class EtcdPlace : IStorePlace
{
    private readonly EtcdHosts _hosts = new EtcdHosts(1).Start();

    private EtcdPlace()
    {
    }

    /// <summary>A new one; skips the test when there is no etcd.</summary>
    public static EtcdPlace New()
    {
        Skip.IfNot(Environment.GetEnvironmentVariable("PATH")!.Split(':').Any(folder => File.Exists(Path.Combine(folder, "etcd"))), "etcd is not installed (package etcd-server)");
        return new EtcdPlace();
    }

    public IStoreBackend Open(LeaderTerm term) => new EtcdBackend(_hosts.Options(), term, TimeProvider.System, NullLogger.Instance);

    public Task KillAsync() => _hosts.Hosts[0].KillAsync();

    public Task StartAsync()
    {
        _hosts.Hosts[0].Start();
        return Task.CompletedTask;
    }

    public ValueTask DisposeAsync() => _hosts.DisposeAsync();
}
