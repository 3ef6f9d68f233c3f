using System.CommandLine;
using Berth.Cli.Client;
using Berth.Cli.Output;
using Berth.Protocol.V1;

namespace Berth.Cli.Commands.Clusters;

/// <summary><c>berth cluster token</c>, Docker's <c>join-token</c>.</summary>
internal static class ClusterToken
{
    /// <summary>The command.</summary>
    public static Command Build(CommandContext context)
    {
        var role = new Argument<string>("ROLE") { Description = "worker or manager" }.AcceptOnlyFromAmong("worker", "manager");
        var rotate = Flag.Switch("--rotate", "Rotate the token: the earlier one is worth nothing from then on");
        var quiet = Flag.Switch("--quiet", "Only display the token", "-q");
        return new BerthCommand("token", "Display or rotate the token that hosts join with", "berth cluster token worker", "berth cluster token --rotate manager", "berth cluster join-token -q worker")
            .Alias("join-token")
            .With(rotate, quiet)
            .With(role)
            .Does(context, async (parse, client, cancel) =>
            {
                var word = parse.GetRequiredValue(role);
                var token = await Ask(client, word, parse.GetValue(rotate), cancel);
                if (parse.GetValue(quiet))
                {
                    context.Terminal.Out.WriteLine(token.Token);
                    return ExitCode.Done;
                }
                if (parse.GetValue(rotate))
                    context.Terminal.Out.WriteLine($"Successfully rotated {word} join token.\n");
                context.Terminal.Out.Write(Text(word, token));
                return ExitCode.Done;
            });
    }

    /// <summary>Asks for a role's token.</summary>
    public static Task<JoinToken> Ask(ManagerClient client, string role, bool rotate, CancellationToken cancel)
    {
        var request = new GetJoinTokenRequest { Role = role == "manager" ? NodeRole.Manager : NodeRole.Worker, Rotate = rotate };
        return client.Administer($"{(rotate ? "rotate" : "read")} the join token of {role}s", (admin, call) => admin.GetJoinTokenAsync(request, call), cancel);
    }

    /// <summary>The command to run on the host that joins.</summary>
    public static string Text(string role, JoinToken token) =>
        $"To add a {role} to this cluster, run the following command:\n\n    {JoinCommand(token)}\n\n";

    /// <summary>Addresses as short as a person would write them.</summary>
    public static string JoinCommand(JoinToken token) =>
        $"berth cluster join {token.Token} {string.Join(' ', token.Managers.Select(Short))}".TrimEnd();

    private static string Short(string url) =>
        url.StartsWith("https://", StringComparison.Ordinal) && url.EndsWith(":2400", StringComparison.Ordinal) ? url["https://".Length..^":2400".Length] : url;
}
