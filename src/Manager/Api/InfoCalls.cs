using Berth.Manager.Store;
using Berth.Model;
using Berth.Protocol;
using Google.Protobuf.WellKnownTypes;
using V1 = Berth.Protocol.V1;

namespace Berth.Manager.Api;

/// <summary>What a manager says of itself.</summary>
/// <param name="Version">Its version.</param>
/// <param name="StartedAt">When the process started, by its own clock.</param>
/// <param name="DataDirectory">Where it keeps the cluster.</param>
/// <param name="ListeningOn">Its addresses, as URLs.</param>
/// <param name="Hostname">The host it runs on.</param>
public sealed record ManagerFacts(
    string Version, DateTimeOffset StartedAt, string DataDirectory, ValueList<string> ListeningOn, string Hostname);

/// <summary>The call about the cluster and its manager.</summary>
internal sealed class InfoCalls(IClusterView view, ManagerFacts facts)
{
    public V1.Info Get()
    {
        var state = view.Current;
        return new V1.Info
        {
            ClusterId = state.ClusterId?.ToString() ?? "",
            ManagerVersion = facts.Version,
            StartedAt = facts.StartedAt.ToTimestamp(),
            Version = state.Index,
            Epoch = state.Epoch,
            Nodes = state.Nodes.Count,
            NodesReady = state.Nodes.Values.Count(node => node.Status.State == NodeState.Ready),
            Services = state.Services.Count,
            Stacks = state.Stacks.Count,
            Tasks = state.LiveTasks,
            TasksRunning = state.RunningTasks,
            DataDirectory = facts.DataDirectory,
            ListeningOn = { facts.ListeningOn },
            Hostname = facts.Hostname,
            Level = ReleaseLevel.Own,
            StateLevel = state.Level,
        };
    }
}
