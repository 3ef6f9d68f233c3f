using System.CommandLine;

namespace Berth.Cli.Commands.Services;

/// <summary>Docker's flags of <c>service create</c> and <c>service update</c> that Berth does not have: refused by name, so that
/// nobody believes they had an effect.</summary>
internal static class UnsupportedFlags
{
    private const string Later = "it is not built yet; leave it out";

    // Flags that are lists have -add and -rm forms in 'service update'.
    private static readonly (string Name, bool IsList, string Why)[] Flags =
    [
        ("--secret", true, "secrets are not built yet; give the value in a file on the nodes with --mount type=bind"),
        ("--config", true, "configs are not built yet; give the file on the nodes with --mount type=bind"),
        ("--credential-spec", false, "it is for Windows only"),
        ("--isolation", false, "it is for Windows only"),
        ("--dns", true, Later),
        ("--dns-option", true, Later),
        ("--dns-search", true, Later),
        ("--host", true, "here it names the manager; extra hosts are not built yet"),
        ("--generic-resource", true, Later),
        ("--group", true, "give the group with --user USER:GROUP"),
        ("--health-start-interval", false, "the pinned engine API does not have it; use --health-interval"),
        ("--log-driver", false, "containers use their engine's own log driver; set it in the engine's daemon.json"),
        ("--log-opt", false, "containers use their engine's own log driver; set it in the engine's daemon.json"),
        ("--max-concurrent", false, "jobs are not built yet"),
        ("--memory-swap", false, Later),
        ("--memory-swappiness", false, Later),
        ("--oom-score-adj", false, Later),
        ("--sysctl", true, Later),
        ("--ulimit", true, Later),
        ("--with-registry-auth", false, "engines pull with the credentials configured on their own hosts"),
        ("--no-resolve-image", false, "images are never resolved by the client; leave it out"),
    ];

    /// <summary>For <c>service create</c>. <c>--host</c> is left out: it names the manager.</summary>
    public static IEnumerable<Option> OfCreate() =>
        Flags.Where(flag => flag.Name != "--host").Select(flag => (Option)Flag.Unsupported(flag.Name, flag.Why));

    /// <summary>For <c>service update</c>.</summary>
    public static IEnumerable<Option> OfUpdate() =>
    [
        .. Flags.Where(flag => !flag.IsList).Select(flag => Flag.Unsupported(flag.Name, flag.Why)),
        .. Flags.Where(flag => flag.IsList).SelectMany(flag => new[] { Flag.Unsupported(flag.Name + "-add", flag.Why), Flag.Unsupported(flag.Name + "-rm", flag.Why) }),
    ];
}
