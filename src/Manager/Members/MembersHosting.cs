using Berth.Identity;
using Berth.Manager.Store;
using Grpc.Net.Client;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using V1 = Berth.Protocol.V1;

namespace Berth.Manager.Members;

/// <summary>Adds managers' shares of the store to a manager of a cluster.</summary>
public static class MembersHosting
{
    /// <summary>Registers what looks after members, and <see cref="MembersService"/>, which is mapped with <see cref="MapMembers"/>.</summary>
    /// <param name="services">The manager's.</param>
    /// <param name="dataDirectory">Where <c>manager.json</c> is.</param>
    /// <param name="file">What it says.</param>
    /// <param name="store">Where the state is kept.</param>
    /// <param name="options">How snapshots are made.</param>
    /// <param name="dial">How other managers are asked.</param>
    public static IServiceCollection AddMembers(
        this IServiceCollection services, string dataDirectory, ManagerFile file, IStoreBackend store, StoreOptions options, MemberDialer dial)
    {
        var place = MemberPlace.Beside(dataDirectory, file.NodeId, file.Advertise);
        services.AddSingleton(new ActiveStore(store));
        services.AddSingleton(place);
        services.AddSingleton(new KnownManagers(dataDirectory));
        services.AddSingleton(options);
        services.AddSingleton(provider => new LocalMember(place, provider.GetRequiredService<TimeProvider>()));
        services.AddSingleton<StoreMover>();
        services.AddSingleton(provider => ActivatorUtilities.CreateInstance<StoreGrowth>(provider, dataDirectory));
        services.AddSingleton(dial);
        services.AddSingleton<OtherManagers>();
        services.AddSingleton<MembersCoordinator>();
        services.AddSingleton<IStoreMembers>(provider => provider.GetRequiredService<MembersCoordinator>());
        services.AddSingleton<MembersService>();
        services.AddSingleton<V1.ClusterAdmin.ClusterAdminBase, MemberAdmin>();
        return services;
    }

    /// <summary>Starts looking after them; after the store has been read.</summary>
    public static IServiceCollection RunMembers(this IServiceCollection services) =>
        services.AddSingleton<IHostedService>(provider => provider.GetRequiredService<MembersCoordinator>());

    /// <summary>Maps the calls of managers.</summary>
    public static void MapMembers(this WebApplication app) => app.MapGrpcService<MembersService>();
}

/// <summary>How other managers are asked.</summary>
/// <param name="Dial">A channel to a manager's address; who asked disposes it.</param>
public sealed record MemberDialer(Func<string, GrpcChannel> Dial);
