using System.CommandLine;
using System.Net;
using Berth.Cli.Client;
using Berth.Cli.Host;
using Berth.Cli.Output;
using Berth.Identity;
using Berth.Model;
using Berth.Protocol.V1;
using Task = System.Threading.Tasks.Task;

namespace Berth.Cli.Commands.Clusters;

/// <summary><c>berth cluster init</c>: a new cluster, of which this host is the first manager.</summary>
internal static class ClusterInit
{
    /// <summary>The command.</summary>
    public static Command Build(CommandContext context)
    {
        var advertise = Flag.Text("--advertise-addr", "ip|interface", "Where others reach this host (default: its only address)");
        var store = new Option<string>("--store") { Description = "Where the state is kept: sqlite on this host, or postgres", HelpName = "store", DefaultValueFactory = _ => "sqlite" }
            .AcceptOnlyFromAmong("sqlite", "postgres");
        var postgres = Flag.Text("--postgres", "connection", "How PostgreSQL is reached, without a password: 'Host=db;Database=berth;Username=berth;SSL Mode=VerifyFull'");
        var password = SecretInput.FileFlag("--postgres-file", "Read the connection from this file, which only its owner may read, where it holds a password");
        var autolock = Flag.Switch("--autolock", "A manager that restarts waits for the unlock key");
        return new BerthCommand("init", "Make a new cluster with this host as its first manager",
            "berth cluster init", "berth cluster init --advertise-addr eth0 --autolock",
            "berth cluster init --store postgres --postgres 'Host=db;Database=berth;Username=berth;SSL Mode=VerifyFull'")
            .With(advertise, store, postgres, password, autolock)
            .Does(async (parse, cancel) =>
            {
                HostDaemons.RequireRoot("berth cluster init");
                var paths = HostPaths.Of(parse.GetValue(GlobalOptions.Host), context.Environment);
                var kind = parse.GetRequiredValue(store);
                var connection = Postgres.Connection(kind, parse.GetValue(postgres), parse.GetValue(password));
                var address = AdvertiseAddress.Choose(parse.GetValue(advertise), AdvertiseAddress.OfHost());
                return await Run(context, paths, node => new ManagerFile
                {
                    NodeId = node,
                    Hostname = Environment.MachineName,
                    Advertise = new IPEndPoint(address, ManagerFile.DefaultPort),
                    Store = kind,
                    Postgres = connection,
                }, parse.GetValue(autolock), () => Task.CompletedTask, cancel);
            });
    }

    /// <summary>Makes this host a manager, and then a node.</summary>
    /// <param name="context">What commands work with.</param>
    /// <param name="paths">Where this host's daemons keep their files.</param>
    /// <param name="make">The manager to be, for the host's node id.</param>
    /// <param name="autolock">Whether restarted managers wait for a key.</param>
    /// <param name="prepare">What is done before the manager is wanted, once nothing speaks against it.</param>
    /// <param name="cancel">Ends the wait.</param>
    public static async Task<int> Run(CommandContext context, HostPaths paths, Func<NodeId, ManagerFile> make, bool autolock, Func<Task> prepare, CancellationToken cancel)
    {
        var daemons = new HostDaemons(paths, context.Terminal.Note, context.Time);
        if (paths.HasManager)
            throw new UserError("this host is already a manager of a cluster", "see it: berth cluster status; leave it first: berth cluster leave --force");
        var agent = await daemons.AgentAsync(cancel);
        if (agent.State is not (JoinState.Unjoined or JoinState.Refused))
            throw new UserError($"this node is already part of a cluster ({agent.ClusterId})", "leave it first: berth cluster leave");

        var manager = make(NodeId.Parse(agent.NodeId));
        if (IPAddress.IsLoopback(manager.Advertise.Address))
            context.Terminal.Note($"note: others cannot reach this host at {manager.Address}: it stays a cluster of one until it is made anew with another --advertise-addr");
        await prepare();
        HostWishes.Manage(paths, manager);
        using var client = new ManagerClient(paths.Socket, context.Time);
        try
        {
            await daemons.ManagerAsync(token => Answers(client, token), cancel);
        }
        catch (UserError) when (!File.Exists(paths.ManagerPid))
        {
            // Nobody read the wish: it is taken back, and nothing is half-made.
            File.Delete(paths.ManagerConfig);
            throw;
        }
        var token = await ClusterToken.Ask(client, "manager", false, cancel);
        HostWishes.Join(paths, new JoinWish(Berth.Identity.JoinToken.Parse(token.Token), [new Uri(manager.Url)], manager.Advertise.Address.ToString()));
        var joined = await daemons.JoinedAsync(cancel);
        if (autolock)
            await client.Administer("turn autolock on", (admin, call) => admin.UpdateClusterAsync(new UpdateClusterRequest { Autolock = true }, call), cancel);

        context.Terminal.Out.WriteLine($"Cluster initialized: current node ({joined.NodeId}) is now a manager.\n");
        context.Terminal.Out.Write(ClusterToken.Text("worker", await ClusterToken.Ask(client, "worker", false, cancel)));
        context.Terminal.Out.Write(ClusterToken.Text("manager", token));
        if (autolock)
            await ClusterLock.Print(context, client, cancel);
        return ExitCode.Done;
    }

    /// <summary>Whether this host's manager serves.</summary>
    public static async Task<bool> Answers(ManagerClient client, CancellationToken cancel)
    {
        try
        {
            await ClusterCommands.Ask(client, cancel);
            return true;
        }
        catch (UserError error) when (error.Code == ExitCode.Unreachable)
        {
            return false;
        }
    }
}
