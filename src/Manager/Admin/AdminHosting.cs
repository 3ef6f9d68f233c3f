using Microsoft.Extensions.DependencyInjection;
using V1 = Berth.Protocol.V1;

namespace Berth.Manager.Admin;

/// <summary>Adds administrators' side to a manager.</summary>
public static class AdminHosting
{
    /// <summary>Registers <see cref="ClusterAdminService"/>, which the host maps.</summary>
    public static IServiceCollection AddAdmin(this IServiceCollection services)
    {
        services.AddSingleton<AdminParts>();
        services.AddSingleton<ClusterAdminService>();
        return services;
    }

    /// <summary>Registers a part: a class that overrides the calls of <c>ClusterAdmin</c> it answers.</summary>
    public static IServiceCollection AddAdminPart<TPart>(this IServiceCollection services)
        where TPart : V1.ClusterAdmin.ClusterAdminBase =>
        services.AddSingleton<V1.ClusterAdmin.ClusterAdminBase, TPart>();
}
