namespace Berth.Bench.Subjects;

/// <summary>One of those compared on the same hosts: Berth, Swarm, or the bare engine.</summary>
public interface ISubject
{
    /// <summary><c>berth</c>, <c>swarm</c> or <c>engine</c>.</summary>
    string Name { get; }

    /// <summary>Asks for <paramref name="replicas"/> sleeping containers on the host's network; returns once that is asked,
    /// not once they run.</summary>
    Task DeployAsync(string service, int replicas);

    /// <summary>Asks for a rolling update to another image, five at a time, old tasks stopped first.</summary>
    Task UpdateAsync(string service);

    /// <summary>Whether the update says it is over.</summary>
    Task<bool> IsUpdatedAsync(string service);

    /// <summary>Removes the service and waits until no container is left on any host.</summary>
    Task RemoveAsync(string service);
}
