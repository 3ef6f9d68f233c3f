using System.CommandLine;
using Berth.Cli.Commands.Waiting;
using Berth.Cli.Output.Lists;
using Berth.Protocol.V1;

namespace Berth.Cli.Commands.Services;

/// <summary><c>berth service scale</c>.</summary>
internal static class ServiceScale
{
    /// <summary>The command.</summary>
    public static Command Build(CommandContext context)
    {
        var wait = new WaitFlags();
        var format = Changes.Format();
        var scales = Scales();
        return new BerthCommand("scale", "Scale one or multiple replicated services", "berth service scale web=5", "berth service scale web=5 worker=20")
            .With([.. wait.Options, format])
            .With(scales)
            .Does(context, async (parse, client, cancel) =>
            {
                var show = parse.ListFormat(format);
                var request = Request(parse.GetRequiredValue(scales));
                var names = string.Join("', '", request.Scales.Select(scale => scale.Service));
                var answer = await client.Call($"scale service '{names}'", (control, call) => control.ScaleServicesAsync(request, call), cancel);
                Changes.Print(context, show, [.. answer.Services.Select(changed => ChangeLine.Of(changed, "updated"))],
                    change => $"{change.Name} scaled to {answer.Services.First(changed => changed.Service.Id == change.ID).Service.Spec.Replicated?.Replicas}");
                return await new ServiceWait(context, client, wait.Read(parse)).Run(
                    [.. answer.Services.Select(changed => new Awaited(changed.Service.Id, changed.Service.Spec.Name, AwaitedEnd.Converged, changed.ReplacesTasks))],
                    $"berth service ps {string.Join(' ', answer.Services.Select(changed => changed.Service.Spec.Name))}", cancel);
            });
    }

    /// <summary><c>SERVICE=REPLICAS</c>, one or more.</summary>
    public static Argument<ScaleServicesRequest.Types.Scale[]> Scales() => new("SERVICE=REPLICAS")
    {
        Description = "Service and the number of its tasks",
        Arity = ArgumentArity.OneOrMore,
        CustomParser = result =>
        {
            var scales = new List<ScaleServicesRequest.Types.Scale>();
            foreach (var text in result.Tokens.Select(token => token.Value))
            {
                try
                {
                    if (text.Split('=', 2) is not [{ Length: > 0 } service, var replicas])
                        throw new FormatException("write SERVICE=REPLICAS, such as web=5");
                    scales.Add(new ScaleServicesRequest.Types.Scale { Service = service, Replicas = FlagValues.Count(replicas) });
                }
                catch (FormatException error)
                {
                    result.AddError($"'{text}': {error.Message}");
                }
            }
            return [.. scales];
        },
    };

    /// <summary>All of it in one request: either all services are scaled or none.</summary>
    public static ScaleServicesRequest Request(IEnumerable<ScaleServicesRequest.Types.Scale> scales)
    {
        var request = new ScaleServicesRequest();
        request.Scales.AddRange(scales);
        return request;
    }
}
