using Berth.Manager.Journals.Etcd;
using Berth.Manager.Store;
using Berth.Tests.Integration.Members;
using Microsoft.Extensions.Logging.Abstractions;

namespace Berth.Tests.Integration.Stores;

public sealed class EtcdContractTests : StoreContract
{
    protected override bool WaitsForItsServer => true;

    protected override async Task<IStorePlace> NewPlaceAsync()
    {
        Skip.IfNot(Environment.GetEnvironmentVariable("PATH")!.Split(':').Any(folder => File.Exists(Path.Combine(folder, "etcd"))), "etcd is not installed (package etcd-server)");
        await Task.CompletedTask;
        return new EtcdPlace(new EtcdHosts(1).Start());
    }

    private sealed class EtcdPlace(EtcdHosts hosts) : IStorePlace
    {
        public IStoreBackend Open(LeaderTerm term) => new EtcdBackend(hosts.Options(), term, TimeProvider.System, NullLogger.Instance);

        public Task KillAsync() => hosts.Hosts[0].KillAsync();

        public Task StartAsync()
        {
            hosts.Hosts[0].Start();
            return Task.CompletedTask;
        }

        public ValueTask DisposeAsync() => hosts.DisposeAsync();
    }
}
