using System.CommandLine;
using System.Security.Cryptography;
using System.Text.Json;
using Berth.Cli.Client.Contexts;
using Berth.Cli.Output;
using Berth.Cli.Output.Lists;
using Berth.Identity;
using Berth.Protocol.V1;
using Google.Protobuf;

namespace Berth.Cli.Commands.Clusters;

/// <summary><c>berth cluster client</c>: people and tools, and what they may do.</summary>
internal static class ClusterClients
{
    private const string EveryStack = "*";

    /// <summary>The command and those below it.</summary>
    public static Command Build(CommandContext context, string? named) => new BerthCommand("client", "Manage who may ask the cluster over the network, and for what").With(named,
        ("create", () => Create(context)),
        ("ls", () => List(context)),
        ("rm", () => Remove(context)));

    private static BerthCommand Create(CommandContext context)
    {
        var role = new Option<string>("--role") { Description = "admin (everything), deployer (the stacks named) or viewer (reads)", HelpName = "role", Required = true }
            .AcceptOnlyFromAmong("admin", "deployer", "viewer");
        var stacks = Flag.List("--stack", "stack", "A stack that a deployer may change; repeat it, or write '*' for every stack", text => text);
        var expiry = Flag.Value("--expiry", "duration", "How long the certificate is valid (default 90 days: 2160h)", FlagValues.Duration);
        var output = Flag.Text("--output", "file", "Where to write the context with its key (default NAME.berth)", "-o");
        var name = new Argument<string>("NAME") { Description = "Whose it is: it appears in the audit log" };
        return new BerthCommand("create", "Make a client certificate, and a file that 'berth context import' takes",
            "berth cluster client create ann --role admin",
            "berth cluster client create ci --role deployer --stack shop --expiry 720h -o ci.berth")
            .With(role, stacks, expiry, output)
            .With(name)
            .Does(context, async (parse, client, cancel) =>
            {
                using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
                var who = parse.GetRequiredValue(name);
                var request = Request(who, parse.GetRequiredValue(role), parse.GetValue(stacks) ?? [], parse.GetValue(expiry), SigningRequest.Make(key, who));
                var file = parse.GetValue(output) ?? $"{who}.berth";
                using var draft = PrivateFile.Draft.Of(file);
                var certificate = await client.Administer($"create client '{who}'", (admin, call) => admin.CreateClientAsync(request, call), cancel);
                draft.Stream.Write(Bundle(request, certificate, key.ExportPkcs8PrivateKeyPem()));
                draft.Finish();
                context.Terminal.Out.WriteLine(file);
                context.Terminal.Note($"It holds the key of '{who}': hand it over as a secret. There: berth context import {file}");
                return ExitCode.Done;
            });
    }

    /// <summary>The request.</summary>
    /// <exception cref="UserError">Role and stacks do not fit.</exception>
    public static CreateClientRequest Request(string name, string role, IReadOnlyList<string> stacks, TimeSpan? expiry, byte[] signingRequest)
    {
        ContextStore.CheckName(name);
        if (role == "deployer" && stacks.Count == 0)
            throw UserError.Usage($"client '{name}' would be a deployer of no stack", $"name them: --stack NAME; or --stack '{EveryStack}' for every stack");
        if (role != "deployer" && stacks.Count > 0)
            throw UserError.Usage($"--stack has a meaning only for deployers, and client '{name}' would be {(role == "admin" ? "an admin" : "a viewer")}", "leave it out, or give --role deployer");
        if (expiry == TimeSpan.Zero)
            throw UserError.Usage("--expiry 0: a certificate that is not valid for any time is of no use", "give a duration such as 720h");
        var request = new CreateClientRequest { Name = name, Role = role, SigningRequest = ByteString.CopyFrom(signingRequest), ValidityNs = (expiry ?? TimeSpan.Zero).Ticks * 100 };
        request.Stacks.AddRange(stacks);
        return request;
    }

    private static byte[] Bundle(CreateClientRequest request, ClientCertificate certificate, string keyPem) => JsonSerializer.SerializeToUtf8Bytes(new ContextBundle
    {
        BerthContext = ContextBundle.Format,
        Name = request.Name,
        Managers = [.. certificate.Managers],
        Description = request.Role == "deployer" ? $"deployer of {string.Join(", ", request.Stacks)}" : request.Role,
        Certificate = certificate.CertificatePem,
        Authority = certificate.AuthorityPem,
        Key = keyPem + "\n",
    }, ContextJson.Default.ContextBundle);

    private static BerthCommand List(CommandContext context)
    {
        var format = Flag.Format();
        var quiet = Flag.Switch("--quiet", "Only display names", "-q");
        return new BerthCommand("ls", "List clients", "berth cluster client ls", "berth cluster client ls --format '{{.Name}} {{.Role}}'")
            .Alias("list")
            .With(format, quiet)
            .Does(context, async (parse, client, cancel) =>
            {
                var show = parse.ListFormat(format);
                var answer = await client.AskAdmin("list clients", (admin, call) => admin.ListClientsAsync(new ListClientsRequest(), call), cancel);
                ClientLine[] lines = [.. answer.Clients.Select(ClientLine.Of).OrderBy(line => line.Name, StringComparer.Ordinal).ThenBy(line => line.Serial, StringComparer.Ordinal)];
                ClientLine.Listing.Print(context.Terminal, lines, show, parse.GetValue(quiet));
                return ExitCode.Done;
            });
    }

    private static BerthCommand Remove(CommandContext context)
    {
        var names = Flag.Names("NAME", "Clients, by name");
        return new BerthCommand("rm", "Remove one or more clients: their certificates are refused from then on", "berth cluster client rm ann")
            .Alias("remove")
            .With(names)
            .Does(context, async (parse, client, cancel) =>
            {
                foreach (var name in parse.GetRequiredValue(names))
                {
                    await client.Administer($"remove client '{name}'", (admin, call) => admin.RemoveClientAsync(new RemoveClientRequest { Name = name }, call), cancel);
                    context.Terminal.Out.WriteLine(name);
                }
                return ExitCode.Done;
            });
    }
}
