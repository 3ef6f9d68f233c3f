using System.CommandLine;
using Berth.Cli.Client;
using Berth.Cli.Commands.Waiting;
using Berth.Cli.Output;
using Berth.Cli.Output.Lists;
using Berth.Protocol;
using Berth.Protocol.V1;

namespace Berth.Cli.Commands.Clusters;

/// <summary><c>berth cluster ca</c>: the authority that signs certificates, and its rotation.</summary>
internal static class ClusterAuthority
{
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
        + (status.EarlierClientsUntil is { } until ? string.Create(System.Globalization.CultureInfo.InvariantCulture, $"Clients of earlier authorities: believed until {until:yyyy-MM-dd HH:mm:ss} UTC\n") : "")
        + (status.AuthorityRotating ? Waiting(status.NodesToRenew) + "\n" : "");

    private static string Waiting(IReadOnlyList<string> nodes) =>
        nodes.Count == 0 ? "rotating: every node has a new certificate; the earlier authority is being forgotten" : $"rotating: {nodes.Count} still use the earlier authority: {string.Join(", ", nodes)}";

    private static async Task<int> Run(CommandContext context, ManagerClient client, RotationFlags flags, ParseResult parse, CancellationToken cancel)
    {
        var options = flags.Wait.Read(parse);
        var request = flags.Request(parse);
        if (request.CutClients)
            await client.RequireLevel(ReleaseLevel.ClientsOutliveRotations, "--revoke-clients", cancel);
        var status = await client.Administer("rotate the authority", (admin, call) => admin.RotateAuthorityAsync(request, call), cancel);
        const string howToFollow = "berth cluster ca";
        if (options.Detach)
        {
            context.Terminal.Out.WriteLine(status.Authority?.Digest ?? "");
            context.Terminal.Note($"not waited for; follow it with: {howToFollow}");
            return ExitCode.Done;
        }
        var said = "";
        var (end, code) = await new Waiter(context, client, options).Run(
            token => ClusterCommands.Looks(context, client, token),
            (ProgressDisplay display, ClusterStatus now) =>
            {
                if (now.Authority?.Rotating != true)
                    return now;
                var left = Waiting([.. now.Authority.NodesToRenew]);
                display.Show([new ViewLine(left)], left == said ? [] : [left]);
                said = left;
                return null;
            }, howToFollow, cancel);
        if (end is not null)
            context.Terminal.Out.WriteLine(end.Authority?.Digest ?? "");
        return code;
    }

    private sealed class RotationFlags
    {
        private readonly Option<bool> _cut = Flag.Switch("--revoke-clients", "End the certificates of clients that the earlier authorities signed: for when a key leaked");
        private readonly Option<string?> _certificate = Flag.Text("--ca-cert", "file", "Certificate of the new authority, PEM (default: the cluster makes one)");
        private readonly Option<string?> _key = Flag.Text("--ca-key", "file", "Key of the new authority, PEM, readable by its owner only (default: the external authority signs)");

        public WaitFlags Wait { get; } = new();

        public Option[] Options => [_certificate, _key, _cut, .. Wait.Options];

        public RotateAuthorityRequest Request(ParseResult parse)
        {
            var (certificate, key) = (parse.GetValue(_certificate), parse.GetValue(_key));
            if (certificate is null && key is not null)
                throw UserError.Usage("--ca-key is the key of a certificate, and none is given", "give the certificate: --ca-cert FILE; or neither of them");
            var request = new RotateAuthorityRequest { CutClients = parse.GetValue(_cut) };
            if (certificate is not null)
                request.CertificatePem = SecretInput.Document(certificate, "the authority's certificate", isSecret: false);
            // Without its key an authority outside signs; the manager refuses that where none is set.
            if (key is not null)
                request.KeyPem = SecretInput.Document(key, "the authority's key", isSecret: true);
            return request;
        }

        public void RequireNone(ParseResult parse)
        {
            if (Options.FirstOrDefault(option => parse.Given(option)) is { } given)
                throw UserError.Usage($"{given.Name} has a meaning only when the authority is rotated", "give --rotate as well");
        }
    }
}
