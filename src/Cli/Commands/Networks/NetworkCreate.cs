using System.CommandLine;
using System.Net;
using Berth.Model;
using Berth.Protocol;
using Berth.Protocol.V1;
using NetworkSpec = Berth.Model.Networks.NetworkSpec;

namespace Berth.Cli.Commands.Networks;

/// <summary><c>berth network create</c>.</summary>
internal static class NetworkCreate
{
    /// <summary>The command.</summary>
    public static Command Build(CommandContext context)
    {
        var driver = Flag.Text("--driver", "driver", "Driver to manage the network (default and only one: overlay)", "-d");
        var labels = Flag.List("--label", "KEY=VALUE", "Set metadata on a network", FlagValues.Label);
        var isInternal = Flag.Switch("--internal", "Restrict external access to the network");
        var attachable = Flag.Switch("--attachable", "Enable manual container attachment");
        var subnet = Flag.Value("--subnet", "subnet", "Subnet in CIDR format, within the cluster's pool (default: the cluster chooses)", Subnet);
        var options = Flag.List("--opt", "KEY=VALUE", $"Set driver specific options, such as {NetworkSpec.MtuOption}=1400", FlagValues.Label, "-o");
        var name = new Argument<string>("NETWORK") { Description = "Name of the network" };
        return new BerthCommand("create", "Create a network over all nodes", "berth network create front", "berth network create --internal --subnet 10.130.0.0/20 --label tier=back back")
            .With(driver, labels, isInternal, attachable, subnet, options,
                Flag.Unsupported("--gateway", "each node has a gateway of its own"),
                Flag.Unsupported("--ip-range", "each node has a range of its own"),
                Flag.Unsupported("--ipv6", "networks are IPv4 only yet"),
                Flag.Unsupported("--ingress", "the network 'ingress' is made when a service first publishes a port on every node"),
                Flag.Unsupported("--config-from", "there are no configurations of networks"),
                Flag.Unsupported("--config-only", "there are no configurations of networks"),
                Flag.Unsupported("--scope", "every network is the cluster's"),
                Flag.Unsupported("--aux-address", "addresses are chosen by the cluster; give a service its own with --network name=NETWORK,ip=ADDRESS"),
                Flag.Unsupported("--ipam-driver", "addresses are given by the cluster itself"),
                Flag.Unsupported("--ipam-opt", "addresses are given by the cluster itself"))
            .With(name)
            .Does(context, async (parse, client, cancel) =>
            {
                var spec = new NetworkSpec
                {
                    Name = parse.GetRequiredValue(name),
                    Driver = parse.GetValue(driver) ?? NetworkSpec.Overlay,
                    Labels = ValueMap.From(parse.GetValue(labels) ?? []),
                    DriverOptions = ValueMap.From(parse.GetValue(options) ?? []),
                    IsInternal = parse.GetValue(isInternal),
                    IsAttachable = parse.GetValue(attachable),
                    Subnet = parse.GetValue(subnet),
                };
                var request = new CreateNetworkRequest { Spec = spec.ToWire() };
                var made = await client.Call($"create network '{spec.Name}'", (control, call) => control.CreateNetworkAsync(request, call), cancel);
                context.Terminal.Out.WriteLine(made.Network.Id);
                return Output.ExitCode.Done;
            });
    }

    private static IPNetwork Subnet(string text) =>
        IPNetwork.TryParse(text, out var subnet) ? subnet : throw new FormatException("write a first address and a prefix, such as 10.130.0.0/20");
}
