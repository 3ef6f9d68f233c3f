using System.CommandLine;
using Berth.Cli.Output;
using Berth.Model;

namespace Berth.Cli.Commands.Services;

/// <summary>All flags that make or change a service's spec.</summary>
/// <param name="isUpdate">Whether they are <c>service update</c>'s.</param>
/// <param name="environment">This process's environment.</param>
internal sealed class ServiceFlags(bool isUpdate, Func<string, string?> environment)
{
    private readonly Option<string?> _name = Flag.Text("--name", "name", "Service name");
    private readonly Option<Mode?> _mode = Flag.Choice("--mode", "Service mode (default replicated)", ("replicated", Mode.Replicated), ("global", Mode.Global));
    private readonly Option<string?> _image = Flag.Text("--image", "image", "Service image tag");
    private readonly Option<string?> _args = Flag.Text("--args", "command", "Service command args");
    private readonly Option<bool> _force = Flag.Switch("--force", "Force update even if no changes require it");
    private readonly ContainerFlags _container = new();
    private readonly DeployFlags _deploy = new();
    private readonly ListFlags _lists = new(isUpdate, environment);

    private enum Mode
    {
        Replicated,
        Global,
    }

    /// <summary>The options, in the order of help.</summary>
    public IEnumerable<Option> Options =>
    [
        .. isUpdate ? (Option[])[_image, _args, _force] : [_name, _mode],
        .. _deploy.Options, .. _lists.Options, .. _container.Options,
        .. isUpdate ? UnsupportedFlags.OfUpdate() : UnsupportedFlags.OfCreate(),
    ];

    /// <summary>The spec that <c>service create IMAGE [COMMAND...]</c> asks for.</summary>
    /// <param name="parse">The command line.</param>
    /// <param name="words">The image, then the container's command.</param>
    /// <param name="nameless">The name of a service that is given none.</param>
    public ServiceSpec Create(ParseResult parse, IReadOnlyList<string> words, Func<string, string> nameless)
    {
        var spec = new ServiceSpec
        {
            Name = parse.GetValue(_name) ?? nameless(words[0]),
            Mode = parse.GetValue(_mode) == Mode.Global ? new ServiceMode.Global() : new ServiceMode.Replicated(1),
            Task = new TaskSpec { Container = new ContainerSpec { Image = words[0], Args = words.Skip(1).ToValueList() } },
        };
        return ApplyAll(parse, spec, name => name);
    }

    /// <summary>The spec that <c>service update</c> makes of <paramref name="current"/>.</summary>
    /// <param name="parse">The command line.</param>
    /// <param name="current">The service's spec.</param>
    /// <param name="idOf">The id of a network of the cluster by what people write; itself where it is not known.</param>
    public ServiceSpec Update(ParseResult parse, ServiceSpec current, Func<string, string> idOf)
    {
        var spec = current.WithContainer(container => container with
        {
            Image = parse.GetValue(_image) ?? container.Image,
            Args = parse.GetValue(_args) is { } args ? ContainerFlags.Words("--args", args) : container.Args,
        });
        if (parse.GetValue(_force))
            spec = spec.WithTask(task => task with { ForceUpdate = task.ForceUpdate + 1 });
        return ApplyAll(parse, spec, idOf);
    }

    /// <summary>A name for a service that is given none: the image's last part and <paramref name="suffix"/>.</summary>
    public static string NameOf(string image, string suffix)
    {
        var last = image.Split('@')[0].Split('/')[^1].Split(':')[0];
        var name = string.Concat(last.Where(character => char.IsAsciiLetterOrDigit(character) || character is '-' or '_')).Trim('-', '_');
        return name.Length == 0 ? $"service-{suffix}" : $"{name[..Math.Min(name.Length, SpecRules.LongestName - suffix.Length - 1)]}-{suffix}";
    }

    private ServiceSpec ApplyAll(ParseResult parse, ServiceSpec spec, Func<string, string> idOf) =>
        _lists.Apply(parse, _deploy.Apply(parse, _container.Apply(parse, spec)), idOf);
}
