using System.CommandLine;
using Berth.Cli.Output;
using Berth.Model;
using Berth.Model.Networks;

namespace Berth.Cli.Commands.Services;

/// <summary>Flags that may be repeated. <c>service create</c> has <c>--env</c>, <c>service update</c> <c>--env-add</c> and
/// <c>--env-rm</c>; both are one edit of the spec.</summary>
internal sealed class ListFlags
{
    private readonly Option<string[]> _env;
    private readonly Option<string[]> _envFile;
    private readonly Option<string[]> _envRemove = Removal("--env-rm", "key", "Remove an environment variable");
    private readonly Option<KeyValuePair<string, string>[]> _labels;
    private readonly Option<string[]> _labelRemove = Removal("--label-rm", "key", "Remove a label by its key");
    private readonly Option<KeyValuePair<string, string>[]> _containerLabels;
    private readonly Option<string[]> _containerLabelRemove = Removal("--container-label-rm", "key", "Remove a container label by its key");
    private readonly Option<Constraint[]> _constraints;
    private readonly Option<Constraint[]> _constraintRemove = Flag.List("--constraint-rm", "constraint", "Remove a constraint", FlagValues.Constraint);
    private readonly Option<string[]> _spread;
    private readonly Option<string[]> _spreadRemove = Flag.List("--placement-pref-rm", "pref", "Remove a placement preference", FlagValues.Spread);
    private readonly Option<Mount[]> _mounts;
    private readonly Option<string[]> _mountRemove = Removal("--mount-rm", "target", "Remove a mount by its target path");
    private readonly Option<PortFlag[]> _ports;
    private readonly Option<PortFlag[]> _portRemove = Flag.List("--publish-rm", "target", "Remove a published port by its target port", PortFlag.Parse);
    private readonly Option<NetworkFlag[]> _networks =
        Flag.List("--network", "network", "Network attachments: a network, bridge, host or none, or name=front,alias=www,ip=10.130.0.10", NetworkFlag.Parse);
    private readonly Option<NetworkFlag[]> _networkAdd = Flag.List("--network-add", "network", "Add a network", NetworkFlag.Parse);
    private readonly Option<string[]> _networkRemove = Removal("--network-rm", "network", "Remove a network");
    private readonly Option<EndpointMode?> _mode = Flag.Choice("--endpoint-mode", "Endpoint mode (default vip)", ("vip", EndpointMode.Vip), ("dnsrr", EndpointMode.Dnsrr));
    private readonly Option<string[]> _capAdd = Removal("--cap-add", "capability", "Add Linux capabilities");
    private readonly Option<string[]> _capDrop = Removal("--cap-drop", "capability", "Drop Linux capabilities");
    private readonly bool _isUpdate;
    private readonly Func<string, IEnumerable<string>> _readFile;

    /// <summary>The flags of one of the two commands.</summary>
    /// <param name="isUpdate">Whether they are <c>service update</c>'s.</param>
    /// <param name="environment">Where a bare <c>--env KEY</c> takes its value.</param>
    public ListFlags(bool isUpdate, Func<string, string?> environment)
    {
        _isUpdate = isUpdate;
        string Name(string name) => isUpdate ? name + "-add" : name;
        string[] Short(string name) => isUpdate ? [] : [name];
        _env = Flag.List(Name("--env"), "KEY=VALUE", "Set environment variables", text => FlagValues.Environment(text, environment), Short("-e"));
        _envFile = Flag.List("--env-file", "file", "Read in a file of environment variables", text => text);
        _labels = Flag.List(Name("--label"), "KEY=VALUE", "Service labels", FlagValues.Label, Short("-l"));
        _containerLabels = Flag.List(Name("--container-label"), "KEY=VALUE", "Container labels", FlagValues.Label);
        _constraints = Flag.List(Name("--constraint"), "constraint", "Placement constraints, such as node.labels.zone==a", FlagValues.Constraint);
        _spread = Flag.List(Name("--placement-pref"), "pref", "Placement preferences, such as spread=node.labels.zone", FlagValues.Spread);
        _mounts = Flag.List(Name("--mount"), "mount", "Attach a filesystem mount, such as type=volume,source=data,target=/data", MountFlag.Parse);
        _ports = Flag.List(Name("--publish"), "port", "Publish a port on every node, such as 8080:80, or on each task's own with published=8080,target=80,mode=host", PortFlag.Parse, Short("-p"));
        _readFile = path => EnvFile.Read(path, environment);
    }

    /// <summary>The options, in the order of help.</summary>
    public IEnumerable<Option> Options => _isUpdate
        ? [_env, _envRemove, _labels, _labelRemove, _containerLabels, _containerLabelRemove, _constraints, _constraintRemove, _spread,
            _spreadRemove, _mounts, _mountRemove, _ports, _portRemove, _networks, _networkAdd, _networkRemove, _mode, _capAdd, _capDrop]
        : [_env, _envFile, _labels, _containerLabels, _constraints, _spread, _mounts, _ports, _networks, _mode, _capAdd, _capDrop];

    /// <summary>The spec with what the flags say.</summary>
    /// <param name="parse">The command line.</param>
    /// <param name="spec">What it is applied to.</param>
    /// <param name="idOf">The id of a network of the cluster by what people write; itself where it is not known.</param>
    public ServiceSpec Apply(ParseResult parse, ServiceSpec spec, Func<string, string> idOf)
    {
        var ports = Values(parse, _ports);
        var removedPorts = Values(parse, _portRemove).Select(port => port.Port).ToList();
        var env = Values(parse, _envFile).SelectMany(_readFile).Concat(Values(parse, _env));
        spec = spec with { Labels = ServiceSpecEdits.Labels(spec.Labels, Values(parse, _labels), Values(parse, _labelRemove)) };
        spec = spec.WithContainer(container => ServiceSpecEdits.Capabilities(container, Values(parse, _capAdd), Values(parse, _capDrop)) with
        {
            Env = ServiceSpecEdits.Env(container.Env, env, Values(parse, _envRemove)),
            Labels = ServiceSpecEdits.Labels(container.Labels, Values(parse, _containerLabels), Values(parse, _containerLabelRemove)),
            Mounts = ServiceSpecEdits.Mounts(container.Mounts, Values(parse, _mounts), Values(parse, _mountRemove)),
        });
        spec = spec with
        {
            Endpoint = ServiceSpecEdits.Endpoint(spec.Endpoint, parse.GetValue(_mode), ports.Where(port => !port.IsHost).Select(port => port.Port), removedPorts),
        };
        spec = ServiceSpecEdits.Networks(spec, Values(parse, _networks), Values(parse, _networkAdd), Values(parse, _networkRemove), idOf);
        return spec.WithTask(task => task with
        {
            Ports = ServiceSpecEdits.Ports(task.Ports, ports.Where(port => port.IsHost).Select(port => port.Port), removedPorts),
            Placement = task.Placement with
            {
                Constraints = ServiceSpecEdits.Constraints(task.Placement.Constraints, Values(parse, _constraints), Values(parse, _constraintRemove)),
                Spread = ServiceSpecEdits.Spread(task.Placement.Spread, Values(parse, _spread), Values(parse, _spreadRemove)),
            },
        });
    }

    private static Option<string[]> Removal(string name, string valueName, string help) => Flag.List(name, valueName, help, text => text);

    private static T[] Values<T>(ParseResult parse, Option<T[]> option) => parse.GetResult(option) is null ? [] : parse.GetValue(option) ?? [];
}
