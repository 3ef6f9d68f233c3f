using System.CommandLine;
using System.Text.Json;
using Berth.Cli.Output;
using Berth.Cli.Output.Lists;
using Berth.Protocol.V1;

namespace Berth.Cli.Commands.Clusters;

/// <summary><c>berth cluster audit</c>: who did what.</summary>
internal static class ClusterAudit
{
    /// <summary>The command.</summary>
    public static Command Build(CommandContext context)
    {
        var follow = Flag.Switch("--follow", "Follow what is done from now on", "-f");
        var tail = Flag.Value("--tail", "lines", "Only the newest so many (default all that are kept)", FlagValues.Count, "-n");
        var format = Flag.Text("--format", "format", "json: one object a line; or a template");
        return new BerthCommand("audit", "Show who did what in the cluster, refused attempts too", "berth cluster audit --tail 20", "berth cluster audit --follow --format json")
            .With(follow, tail, format)
            .Does(context, async (parse, client, cancel) =>
            {
                var show = parse.ListFormat(format);
                var request = new ReadAuditRequest { Tail = parse.GetValue(tail) ?? 0, Follow = parse.GetValue(follow) };
                try
                {
                    await foreach (var entry in client.FollowAdmin("read the audit log", (admin, call) => admin.ReadAudit(request, call), cancel))
                        context.Terminal.Out.WriteLine(Text(AuditLine.Of(entry), show));
                }
                catch (OperationCanceledException) when (request.Follow)
                {
                    return ExitCode.Done; // Ctrl-C is how people stop following.
                }
                return request.Follow ? throw new UserError($"the manager at {client.Address.Url} ended the audit log", "berth cluster audit --follow", ExitCode.Unreachable) : ExitCode.Done;
            });
    }

    private static string Text(AuditLine line, ListFormat format) => format switch
    {
        ListFormat.Json => JsonText.Line(line, ListJson.Default.AuditLine),
        ListFormat.Template template => template.Parsed.Render(JsonSerializer.SerializeToElement(line, ListJson.Default.AuditLine)),
        _ => line.Text(),
    };
}
