using System.CommandLine;
using Berth.Model;

namespace Berth.Cli.Commands.Services;

/// <summary>Flags of one container that <c>service create</c> and <c>service update</c> share.</summary>
internal sealed class ContainerFlags
{
    private readonly Option<string?> _user = Flag.Text("--user", "user", "Username or UID (format: <name|uid>[:<group|gid>])", "-u");
    private readonly Option<string?> _dir = Flag.Text("--workdir", "path", "Working directory inside the container", "-w");
    private readonly Option<string?> _hostname = Flag.Text("--hostname", "name", "Container hostname");
    private readonly Option<string?> _entrypoint = Flag.Text("--entrypoint", "command", "Overwrite the default ENTRYPOINT of the image");
    private readonly Option<string?> _stopSignal = Flag.Text("--stop-signal", "signal", "Signal to stop the container");
    private readonly Option<TimeSpan?> _grace = Flag.Value("--stop-grace-period", "duration", "Time to wait before force killing a container (default 10s)", FlagValues.Duration);
    private readonly Option<bool> _readOnly = Flag.Switch("--read-only", "Mount the container's root filesystem as read only");
    private readonly Option<bool> _init = Flag.Switch("--init", "Use an init inside each service container to forward signals and reap processes");
    private readonly Option<bool> _tty = Flag.Switch("--tty", "Allocate a pseudo-TTY", "-t");
    private readonly HealthFlags _health = new();

    /// <summary>The options, in the order of help.</summary>
    public IEnumerable<Option> Options =>
        [_user, _dir, _hostname, _entrypoint, _stopSignal, _grace, _readOnly, _init, _tty, .. _health.Options];

    /// <summary>The spec with what the flags say; what they do not name stays.</summary>
    public ServiceSpec Apply(ParseResult parse, ServiceSpec spec)
    {
        return spec.WithContainer(container => container with
        {
            User = parse.GetValue(_user) ?? container.User,
            Dir = parse.GetValue(_dir) ?? container.Dir,
            Hostname = parse.GetValue(_hostname) ?? container.Hostname,
            StopSignal = parse.GetValue(_stopSignal) ?? container.StopSignal,
            StopGracePeriod = parse.GetValue(_grace) ?? container.StopGracePeriod,
            Command = parse.GetValue(_entrypoint) is { } entrypoint ? Words("--entrypoint", entrypoint) : container.Command,
            ReadOnly = parse.Given(_readOnly) ? parse.GetValue(_readOnly) : container.ReadOnly,
            Init = parse.Given(_init) ? parse.GetValue(_init) : container.Init,
            Tty = parse.Given(_tty) ? parse.GetValue(_tty) : container.Tty,
            Healthcheck = _health.Apply(parse, container.Healthcheck),
        });
    }

    /// <summary>A flag's command line, split as a shell does.</summary>
    public static ValueList<string> Words(string flag, string text)
    {
        try
        {
            return FlagValues.Words(text);
        }
        catch (FormatException error)
        {
            throw Output.UserError.Usage($"{flag} '{text}': {error.Message}");
        }
    }
}
