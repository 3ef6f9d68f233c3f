using Berth.Model;
using Berth.Model.Networks;
using Berth.Protocol;

namespace Berth.Manager.Store;

/// <summary>Decides commands about nodes.</summary>
internal static class NodeCommands
{
    public static Decision Register(ClusterState state, Command.RegisterNode command, DateTimeOffset now)
    {
        if (command.Description.Hostname.Length == 0)
            return Decision.Refuse(RefusalReason.Invalid, $"node {command.Id} registers without a host name; set one with --hostname");

        // What releases before networks could not read is not written before all managers can.
        if (state.Level < ReleaseLevel.Networks && command.Description.Networking != NodeNetworking.Unknown)
            command = command with { Description = command.Description with { Networking = NodeNetworking.Unknown } };
        var adopted = LocalAttempts.Adopt(state, command.Id, command.LocalChains);
        var answer = new CommandResults.NodeChanged(command.Id);
        if (!state.Nodes.TryGetValue(command.Id, out var known))
        {
            return Decision.Accept([new Change.NodePut(new Node
            {
                Id = command.Id,
                CreatedAt = now,
                UpdatedAt = now,
                Spec = new NodeSpec { Role = command.Role },
                Description = command.Description,
            })], answer);
        }
        // Of a node that joined with a token, its token and administrators said what it is; its agent is not asked.
        var role = state.Identities.ContainsKey(command.Id) ? known.Spec.Role : command.Role;
        return known.Description == command.Description && known.Spec.Role == role
            ? Decision.Accept(adopted, answer)
            : Put(known with { Description = command.Description, Spec = known.Spec with { Role = role }, UpdatedAt = now }, [.. adopted]);
    }

    public static Decision Update(ClusterState state, Command.UpdateNode command, DateTimeOffset now)
    {
        var reference = References.Node(state, command.Node);
        if (reference.Value is not { } node)
            return Decision.Refuse(reference.Refusal!);
        var problems = Problems(node, command).ToList();
        if (problems.Count > 0)
            return Decision.Refuse(RefusalReason.Invalid, problems);

        var labels = command.LabelsRemove.Aggregate(node.Spec.Labels, (kept, key) => kept.Without(key));
        labels = ValueMap.From(labels.Concat(command.LabelsAdd));
        var spec = node.Spec with { Availability = command.Availability ?? node.Spec.Availability, Labels = labels };
        return spec == node.Spec
            ? Decision.Accept([], new CommandResults.NodeChanged(node.Id))
            : Put(node with { Spec = spec, UpdatedAt = now });
    }

    public static Decision SetRole(ClusterState state, Command.SetNodeRole command, DateTimeOffset now)
    {
        var reference = References.Node(state, command.Node);
        if (reference.Value is not { } node)
            return Decision.Refuse(reference.Refusal!);
        var name = node.Description.Hostname;
        if (node.Spec.Role == command.Role)
            return Decision.Accept([], new CommandResults.NodeChanged(node.Id));
        if (command.Role == NodeRole.Manager && node.Description.Address.Length == 0)
            return Decision.Refuse(RefusalReason.Conflict, $"node '{name}' has no address at which other managers could reach it; start its agent with --address");
        // Whoever decides with more knowledge has decided before; this holds whatever he knew.
        if (command.Role == NodeRole.Worker && !state.Nodes.Values.Any(other => other.Id != node.Id && other.Spec.Role == NodeRole.Manager))
            return Decision.Refuse(RefusalReason.Conflict, $"'{name}' is the only manager; promote another node first: berth node promote NODE");
        return Put(node with { Spec = node.Spec with { Role = command.Role }, UpdatedAt = now });
    }

    private static IEnumerable<string> Problems(Node node, Command.UpdateNode command)
    {
        var name = node.Description.Hostname;
        if (command.Availability is { } availability && !Enum.IsDefined(availability))
            yield return $"availability: {availability} is not known; write active, pause or drain";
        foreach (var key in command.LabelsAdd.Keys)
        {
            if (SpecRules.LabelKeyProblem(key) is { } problem)
                yield return $"label-add: {problem}";
        }
        foreach (var key in command.LabelsRemove)
        {
            if (!node.Spec.Labels.ContainsKey(key))
                yield return $"label-rm: node '{name}' has no label '{key}'";
            else if (command.LabelsAdd.ContainsKey(key))
                yield return $"label-rm: label '{key}' is to be both set and removed";
        }
    }

    private static Decision Put(Node node, params ReadOnlySpan<Change> more) =>
        Decision.Accept([new Change.NodePut(node), .. more], new CommandResults.NodeChanged(node.Id));
}
