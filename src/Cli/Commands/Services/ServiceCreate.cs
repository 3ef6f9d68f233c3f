using System.CommandLine;
using Berth.Cli.Client;
using Berth.Cli.Commands.Waiting;
using Berth.Cli.Output.Lists;
using Berth.Model;
using Berth.Protocol;
using Berth.Protocol.V1;

namespace Berth.Cli.Commands.Services;

/// <summary><c>berth service create</c>.</summary>
internal static class ServiceCreate
{
    private const int SuffixLength = 5;

    /// <summary>The command.</summary>
    public static Command Build(CommandContext context)
    {
        var flags = new ServiceFlags(isUpdate: false, context.Environment);
        var wait = new WaitFlags();
        var format = Changes.Format();
        var words = Words();
        return new BerthCommand("create", "Create a new service",
            "berth service create --name web --replicas 3 --network front -p 8080:80 nginx:1.27",
            "berth service create --name agent --mode global --mount type=bind,source=/var/log,target=/logs,readonly busybox:1 tail -F /logs/syslog",
            "berth service create --name db --constraint node.labels.disk==ssd --reserve-memory 512M --mount type=volume,source=db,target=/data redis:7")
            .With([.. flags.Options, .. wait.Options, format])
            .With(words)
            .Does(context, async (parse, client, cancel) =>
            {
                var show = parse.ListFormat(format);
                var spec = flags.Create(parse, parse.GetValue(words)!, image => Nameless(context, image));
                var created = await Send(client, spec, cancel);
                Changes.Print(context, show, [ChangeLine.Of(created, "created")], change => change.ID);
                return await new ServiceWait(context, client, wait.Read(parse)).Run(
                    [new Awaited(created.Service.Id, spec.Name, AwaitedEnd.Converged, created.ReplacesTasks)],
                    $"berth service ps {spec.Name}", cancel);
            });
    }

    /// <summary>The image and the container's command: everything after the image belongs to the command, as with Docker.</summary>
    public static Argument<string[]> Words() => new("IMAGE [COMMAND] [ARG...]")
    {
        Description = "Image, and what replaces its command; flags go before the image",
        Arity = new ArgumentArity(1, 100_000),
        CaptureRemainingTokens = true,
    };

    private static Task<ServiceChanged> Send(ManagerClient client, Model.ServiceSpec spec, CancellationToken cancel)
    {
        var request = new CreateServiceRequest { Spec = spec.ToWire() };
        return client.Call($"create service '{spec.Name}'", (control, call) => control.CreateServiceAsync(request, call), cancel);
    }

    private static string Nameless(CommandContext context, string image) =>
        ServiceFlags.NameOf(image, ObjectId.Format(context.Ids.Next())[^SuffixLength..]);
}
