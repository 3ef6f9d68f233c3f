using System.CommandLine;
using System.Net;
using Berth.Cli.Client;
using Berth.Cli.Host;
using Berth.Cli.Output;
using Berth.Identity;
using Berth.Model;
using Token = Berth.Identity.JoinToken;

namespace Berth.Cli.Commands.Clusters;

/// <summary><c>berth cluster join</c>: makes this host a node of a cluster; the token says whether it runs a manager.</summary>
internal static class ClusterJoin
{
    /// <summary>The command.</summary>
    public static Command Build(CommandContext context)
    {
        var token = Flag.Text("--token", "token", "The token, as 'berth cluster token' prints it; also the first word");
        var file = SecretInput.FileFlag("--token-file", "Read the token from this file, which only its owner may read; - is stdin");
        var advertise = Flag.Text("--advertise-addr", "ip|interface", "Where others reach this host (default: the address that managers see)");
        var words = new Argument<string[]>("TOKEN ADDRESS") { Description = "The token, and managers' addresses: 10.0.0.1, https://HOST:PORT, or consul://HOST:8500/SERVICE", Arity = ArgumentArity.ZeroOrMore };
        return new BerthCommand("join", "Join a cluster as a worker or as a manager, as the token says",
            "berth cluster join BERTH-1-DIGEST-SECRET 10.0.0.1 10.0.0.2",
            "berth cluster join --token BERTH-1-DIGEST-SECRET 10.0.0.1",
            "berth cluster join --token-file /root/token 10.0.0.1",
            "berth cluster join --token-file /root/token consul://127.0.0.1:8500/berth")
            .With(token, file, advertise)
            .With(words)
            .Does(async (parse, cancel) =>
            {
                HostDaemons.RequireRoot("berth cluster join");
                var given = parse.GetValue(words) ?? [];
                var text = parse.GetValue(token) ?? (parse.GetValue(file) is { } from ? SecretInput.Read(context, from, "Join token: ", "the join token") : null);
                var (secret, named) = Read(text, given);
                // A token is of one cluster: managers of others that Consul names cannot answer to it.
                var found = await ConsulLookup.Resolve([.. named.Select(manager => ManagerAddress.Parse(manager, "the command line"))], null, context.Environment, context.Time, cancel);
                var managers = found.Select(manager => manager.Url).ToList();
                var paths = HostPaths.Of(parse.GetValue(GlobalOptions.Host), context.Environment);
                var address = parse.GetValue(advertise) is { } own ? AdvertiseAddress.Choose(own, AdvertiseAddress.OfHost()) : AdvertiseAddress.Towards(managers);
                return await Run(context, paths, new JoinWish(Token.Parse(secret), [.. managers.Select(manager => new Uri(manager))], address.ToString()), cancel);
            });
    }

    /// <summary>The token and the managers' addresses: pure.</summary>
    /// <param name="token">What a flag says; null when it is the first word.</param>
    /// <param name="words">The words of the line.</param>
    /// <exception cref="UserError">The token is not one, or an address is missing or wrong; nothing of the token is repeated.</exception>
    public static (string Token, IReadOnlyList<string> Managers) Read(string? token, IReadOnlyList<string> words)
    {
        var text = token ?? (words.Count > 0 ? words[0] : throw UserError.Usage("no join token is given", "get the whole command on a manager: berth cluster token worker"));
        if (!Token.TryParse(text, out var parsed, out var problem))
            throw UserError.Usage(problem);
        var addresses = words.Skip(token is null ? 1 : 0).ToList();
        if (addresses.Count == 0)
            throw UserError.Usage("no manager's address is given", "name one at least, after the token: berth cluster join TOKEN 10.0.0.1");
        return (parsed.Format(), [.. addresses.Select(Manager).Distinct()]);
    }

    private static string Manager(string text)
    {
        var whole = text.Contains("://", StringComparison.Ordinal) ? text
            : ManagerFile.UrlOf(text);
        var parsed = ManagerAddress.Parse(whole, "the command line");
        return parsed.IsTls ? parsed.Url : throw UserError.Usage($"manager address '{text}': hosts join over TLS only", "write 10.0.0.1 or https://10.0.0.1:2400");
    }

    private static async Task<int> Run(CommandContext context, HostPaths paths, JoinWish wish, CancellationToken cancel)
    {
        var daemons = new HostDaemons(paths, context.Terminal.Note, context.Time);
        var agent = await daemons.AgentAsync(cancel);
        if (agent.State is not (JoinState.Unjoined or JoinState.Refused or JoinState.Joining) || paths.HasManager)
            throw new UserError($"this node is already part of a cluster ({agent.ClusterId})", "leave it first: berth cluster leave");
        HostWishes.Join(paths, wish);
        AgentStatus joined;
        try
        {
            joined = await daemons.JoinedAsync(cancel);
        }
        catch (OperationCanceledException)
        {
            context.Terminal.Note($"The wait ended; the agent goes on joining.\n  take the wish back with: rm {paths.JoinWish}");
            return ExitCode.NotReached;
        }
        if (joined.Role != "manager")
        {
            context.Terminal.Out.WriteLine("This node joined a cluster as a worker.");
            return ExitCode.Done;
        }
        // The agent writes the same when the cluster tells it to: whoever comes first.
        if (!paths.HasManager)
        {
            HostWishes.Manage(paths, new ManagerFile
            {
                NodeId = NodeId.Parse(joined.NodeId),
                Hostname = Environment.MachineName,
                Advertise = new IPEndPoint(IPAddress.Parse(wish.Address!), ManagerFile.DefaultPort),
                JoinToken = wish.Token,
                JoinManagers = [.. wish.Managers.Select(manager => manager.GetLeftPart(UriPartial.Authority))],
            });
        }
        using var client = new ManagerClient(paths.Socket, context.Time);
        await daemons.ManagerAsync(token => ClusterInit.Answers(client, token), cancel);
        context.Terminal.Out.WriteLine("This node joined a cluster as a manager.");
        return ExitCode.Done;
    }
}
