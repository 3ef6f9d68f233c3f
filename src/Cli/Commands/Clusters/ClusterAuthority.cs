using System.CommandLine;
using Berth.Cli.Client;
using Berth.Cli.Output;
using Berth.Cli.Output.Lists;
using Berth.Protocol.V1;
using Task = System.Threading.Tasks.Task;

namespace Berth.Cli.Commands.Clusters;

/// <summary><c>berth cluster ca</c>: the authority that signs certificates, and its rotation.</summary>
internal static class ClusterAuthority
{
    private static readonly TimeSpan LookEvery = TimeSpan.FromMilliseconds(500);

    /// <summary>The command.</summary>
    public static Command Build(CommandContext context, string? named)
    {
        var rotate = Flag.Switch("--rotate", "Rotate the authority: the same as 'cluster ca rotate'");
        var flags = new RotationFlags();
        var format = Flag.Text("--format", "format", "json, or a template such as '{{.AuthorityDigest}}'", "-f");
        return new BerthCommand("ca", "Display or rotate the authority that signs certificates", "berth cluster ca", "berth cluster ca --rotate", "berth cluster ca rotate --ca-cert ca.pem --ca-key ca.key")
            .With(rotate)
            .With(flags.Options)
            .With(format)
            .With(named, ("rotate", () => Rotate(context)))
            .Does(context, async (parse, client, cancel) =>
            {
                if (parse.GetValue(rotate))
                    return await Run(context, client, flags, parse, cancel);
                flags.RequireNone(parse);
                var show = parse.ListFormat(format);
                var status = ClusterText.Of(await ClusterCommands.Ask(client, cancel));
                context.Terminal.Out.Write(show switch
                {
                    ListFormat.Json => JsonText.Object(status, ListJson.Default.ClusterText),
                    ListFormat.Template template => template.Parsed.Render(System.Text.Json.JsonSerializer.SerializeToElement(status, ListJson.Default.ClusterText)) + "\n",
                    _ => Text(status),
                });
                return ExitCode.Done;
            });
    }

    private static BerthCommand Rotate(CommandContext context)
    {
        var flags = new RotationFlags();
        return new BerthCommand("rotate", "Make a new authority and move every node and manager to it, without a pause",
            "berth cluster ca rotate", "berth cluster ca rotate --ca-cert ca.pem --ca-key ca.key --detach")
            .With(flags.Options)
            .Does(context, (parse, client, cancel) => Run(context, client, flags, parse, cancel));
    }

    /// <summary>As people read it.</summary>
    public static string Text(ClusterText status) =>
        $"Digest: {status.AuthorityDigest}\n"
        + (status.AuthorityExpiresAt is { } end ? string.Create(System.Globalization.CultureInfo.InvariantCulture, $"Expires: {end:yyyy-MM-dd HH:mm:ss} UTC\n") : "")
        + (status.ExternalAuthority.Length > 0 ? $"External authority: {status.ExternalAuthority}\n" : "")
        + $"Certificates of nodes: {(status.CertificateValidity.Length > 0 ? $"valid for {status.CertificateValidity}" : "valid for as long as the managers' default")}\n"
        + (status.AuthorityRotating ? Waiting(status.NodesToRenew) + "\n" : "");

    private static string Waiting(IReadOnlyList<string> nodes) =>
        nodes.Count == 0 ? "rotating: every node has a new certificate; the earlier authority is being forgotten" : $"rotating: {nodes.Count} still use the earlier authority: {string.Join(", ", nodes)}";

    private static async Task<int> Run(CommandContext context, ManagerClient client, RotationFlags flags, ParseResult parse, CancellationToken cancel)
    {
        var request = flags.Request(parse);
        var detach = parse.GetValue(flags.Detach);
        var status = await client.Administer("rotate the authority", (admin, call) => admin.RotateAuthorityAsync(request, call), cancel);
        const string howToFollow = "berth cluster ca";
        var said = "";
        while (!detach && status.Authority?.Rotating == true)
        {
            var now = Waiting([.. status.Authority.NodesToRenew]);
            if (now != said)
                context.Terminal.Note(said = now);
            try
            {
                await Task.Delay(LookEvery, context.Time, cancel);
                status = await ClusterCommands.Ask(client, cancel);
            }
            catch (OperationCanceledException)
            {
                context.Terminal.Note($"The wait ended; the rotation goes on in the cluster.\n  follow it with: {howToFollow}");
                return ExitCode.NotReached;
            }
            catch (UserError error) when (error.Code == ExitCode.Unreachable)
            {
                if (said != error.Message)
                    context.Terminal.Note(said = error.Message);
            }
        }
        if (detach)
            context.Terminal.Note($"not waited for; follow it with: {howToFollow}");
        context.Terminal.Out.WriteLine(status.Authority?.Digest ?? "");
        return ExitCode.Done;
    }

    private sealed class RotationFlags
    {
        private readonly Option<string?> _certificate = Flag.Text("--ca-cert", "file", "Certificate of the new authority, PEM (default: the cluster makes one)");
        private readonly Option<string?> _key = Flag.Text("--ca-key", "file", "Key of the new authority, PEM, readable by its owner only");

        public Option<bool> Detach { get; } = Flag.Switch("--detach", "Do not wait until every node has moved", "-d");

        public Option[] Options => [_certificate, _key, Detach];

        public RotateAuthorityRequest Request(ParseResult parse)
        {
            var (certificate, key) = (parse.GetValue(_certificate), parse.GetValue(_key));
            if (certificate is null != key is null)
                throw UserError.Usage("--ca-cert and --ca-key belong together: the new authority signs with its key", "give both, or neither");
            return certificate is null ? new() : new() { CertificatePem = SecretInput.Document(certificate, "the authority's certificate", isSecret: false), KeyPem = SecretInput.Document(key!, "the authority's key", isSecret: true) };
        }

        public void RequireNone(ParseResult parse)
        {
            if (Options.FirstOrDefault(option => parse.Given(option)) is { } given)
                throw UserError.Usage($"{given.Name} has a meaning only when the authority is rotated", "give --rotate as well");
        }
    }
}
