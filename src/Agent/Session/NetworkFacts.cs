using System.Net;
using Berth.Agent.Engine;
using Berth.Agent.Tasks;
using Berth.Model;
using Berth.Model.Networks;

namespace Berth.Agent.Session;

/// <summary>What an agent says of its host's networks. Pure.</summary>
public static class NetworkFacts
{
    /// <summary>The way for containers into the agent's namespaces by a runtime of the engine.</summary>
    public const string RuntimeWay = "runtime";

    /// <summary>What the host can do, and where its own routes lead.</summary>
    /// <param name="engine">What the engine last said of itself; null before it ever answered.</param>
    /// <param name="missing">What the kernel lacks; null before it was tried.</param>
    /// <param name="routes">The host's own.</param>
    public static NodeNetworking Describe(EngineFacts? engine, IReadOnlyList<string>? missing, ValueList<IPNetwork> routes)
    {
        string[] problems = [.. missing ?? ["the kernel is being tried"], .. engine is null ? ["the engine has not answered yet"] : Engine(engine)];
        return new NodeNetworking { Way = problems.Length == 0 ? RuntimeWay : "", Problem = string.Join("; ", problems), Routes = routes };
    }

    private static IEnumerable<string> Engine(EngineFacts engine)
    {
        if (TaskConnections.Problem(engine) is { } problem)
            yield return problem;
    }
}
