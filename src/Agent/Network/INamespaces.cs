using Berth.Model.Networks;

namespace Berth.Agent.Network;

/// <summary>Makes containers' network namespaces.</summary>
public interface INamespaces
{
    /// <summary>Makes a namespace with an interface for each endpoint; one of that name is replaced.</summary>
    /// <param name="name">The container's id.</param>
    /// <param name="endpoints">In the order of the container's interfaces.</param>
    /// <param name="networks">What is known of their networks.</param>
    /// <exception cref="IOException">The kernel refused, or a network is not known; nothing is left of it.</exception>
    Task MakeAsync(string name, IReadOnlyList<LocalEndpoint> endpoints, NodeNetworks networks);

    /// <summary>Removes namespaces; what is not there is removed.</summary>
    /// <exception cref="IOException">The kernel refused.</exception>
    Task RemoveAsync(IReadOnlyCollection<string> names);

    /// <summary>Those there are.</summary>
    Task<IReadOnlyList<string>> NamesAsync();
}
