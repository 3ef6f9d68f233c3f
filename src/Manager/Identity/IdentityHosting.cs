using Berth.Identity;
using Berth.Manager.Admin;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace Berth.Manager.Identity;

/// <summary>Adds identities, and what administrators ask about them, to a manager.</summary>
public static class IdentityHosting
{
    private const int LargestMessageBytes = 64 << 10;

    /// <summary>Name of an identity's files in <c>identity/</c> of the data directory.</summary>
    public const string FilesName = "manager";

    /// <summary>The identity's files of a manager.</summary>
    public static IdentityFiles FilesIn(string dataDirectory) => new(Path.Combine(dataDirectory, "identity"), FilesName);

    /// <summary>What a manager uses on its connections: the identity on its disk, or none yet.</summary>
    public static TlsIdentity OpenIdentity(IdentityFiles files, TimeProvider time) => files.Load() is { } identity
        ? new TlsIdentity(identity, time)
        : TlsIdentity.WithoutCertificate([], null, time);

    /// <summary>Registers what every manager answers about the cluster.</summary>
    /// <param name="services">The manager's.</param>
    /// <param name="file">Its <c>manager.json</c>; null when it is alone.</param>
    public static IServiceCollection AddClusterCalls(this IServiceCollection services, ManagerFile? file)
    {
        services.AddSingleton(new OwnNode(file?.NodeId));
        services.AddSingleton(new StoreKind(file?.Store ?? "sqlite"));
        services.AddSingleton<ClusterReport>();
        services.AddAdminPart<ClusterCalls>();
        services.AddAdminPart<IdentityAdmin>();
        return services;
    }

    /// <summary>Registers the identity of a manager of a cluster, and <see cref="EnrollmentService"/>, which is mapped with
    /// <see cref="MapEnrollment"/>. <see cref="ManagerIdentity"/> is started with <see cref="RunIdentity"/>.</summary>
    public static IServiceCollection AddIdentity(this IServiceCollection services, ManagerFile file, IdentityFiles files, TlsIdentity tls)
    {
        services.AddSingleton(file);
        services.AddSingleton(files);
        services.AddSingleton(tls);
        services.AddSingleton<TokenAttempts>();
        services.AddSingleton<ExternalAuthority>();
        services.AddSingleton<CertificateSigner>();
        services.AddSingleton<PeerChannels>();
        services.AddSingleton<EnrollmentService>();
        // Who has proved nothing yet sends little.
        services.AddGrpc().AddServiceOptions<EnrollmentService>(options => options.MaxReceiveMessageSize = LargestMessageBytes);
        services.AddSingleton<ManagerIdentity>();
        return services;
    }

    /// <summary>Starts <see cref="ManagerIdentity"/>; after the store has been read, before the first address is listened on.</summary>
    public static IServiceCollection RunIdentity(this IServiceCollection services) =>
        services.AddSingleton<IHostedService>(provider => provider.GetRequiredService<ManagerIdentity>());

    /// <summary>Maps the calls of hosts that join and renew.</summary>
    public static void MapEnrollment(this WebApplication app) => app.MapGrpcService<EnrollmentService>();
}
