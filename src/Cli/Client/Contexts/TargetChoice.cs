using Berth.Cli.Output;
using Berth.Identity;

namespace Berth.Cli.Client.Contexts;

/// <summary>Decides whom a command asks: flags before the environment, that before the context in use, and this host's own
/// manager when nothing is named.</summary>
internal static class TargetChoice
{
    /// <summary>The local managers of a lab, one address a line; written by the lab.</summary>
    public const string LocalManagers = "/run/berth/managers";

    /// <summary>The target.</summary>
    /// <param name="host"><c>--host</c>.</param>
    /// <param name="context"><c>--context</c>.</param>
    /// <param name="consistent"><c>--consistent</c>.</param>
    /// <param name="environment">Environment variables.</param>
    /// <param name="store">The user's contexts.</param>
    /// <param name="time">The clock certificates are judged by.</param>
    /// <exception cref="UserError">What is given is not an address or names no context.</exception>
    public static ManagerTarget Resolve(string? host, string? context, bool consistent, Func<string, string?> environment, ContextStore store, TimeProvider time)
    {
        var (addresses, name) = Choose(host, context, environment, store);
        return new ManagerTarget
        {
            Addresses = addresses,
            Context = name,
            Consistent = consistent,
            Environment = environment,
            Tls = addresses.Any(address => address.IsTls) ? Identity(name, store, time) : null,
        };
    }

    private static (IReadOnlyList<ManagerAddress> Addresses, string? Context) Choose(string? host, string? context, Func<string, string?> environment, ContextStore store)
    {
        // An address beside a context asks that one manager as the context's client.
        var named = NonEmpty(context) is { } flag ? (Name: flag, Source: "--context")
            : NonEmpty(environment(ContextStore.Variable)) is { } variable ? (Name: variable, Source: ContextStore.Variable) : default;
        if (NonEmpty(host) is { } address)
            return WithAddress(ManagerAddress.ParseAll(address, "--host"), named.Name, store);
        if (named.Name is not null)
            return named.Name == ContextStore.Default ? (Local(), null) : (Managers(named.Name, named.Source, store), named.Name);
        if (NonEmpty(environment(ManagerAddress.Variable)) is { } place)
            return WithAddress(ManagerAddress.ParseAll(place, ManagerAddress.Variable), null, store);
        return store.Read().Current is { Length: > 0 } current ? (Managers(current, $"in use, by {store.FilePath}", store), current) : (Local(), null);
    }

    private static (IReadOnlyList<ManagerAddress>, string?) WithAddress(IReadOnlyList<ManagerAddress> addresses, string? context, ContextStore store)
    {
        if (!addresses.Any(address => address.IsTls))
            return (addresses, null);
        return (addresses, context == ContextStore.Default ? null : context ?? NonEmpty(store.Read().Current));
    }

    private static IReadOnlyList<ManagerAddress> Managers(string name, string source, ContextStore store) =>
        [.. store.Get(name, source).Managers.Select(manager => ManagerAddress.Parse(manager, $"context '{name}'"))];

    // A machine with a lab on it has several managers' sockets; those of hosts without a manager are not there.
    private static ManagerAddress[] Local()
    {
        if (!File.Exists(LocalManagers))
            return [ManagerAddress.Local];
        ManagerAddress[] there = [.. File.ReadAllLines(LocalManagers).Where(line => line.Length > 0)
            .Select(line => ManagerAddress.Parse(line, LocalManagers)).Where(address => address.SocketPath is null || File.Exists(address.SocketPath))];
        return there.Length > 0 ? there : [ManagerAddress.Local];
    }

    private static ClientTls Identity(string? name, ContextStore store, TimeProvider time)
    {
        if (name is null)
            throw UserError.Usage("a manager's network address is asked only with a client certificate, and no context is in use",
                "import one that an administrator made (berth cluster client create): berth context import FILE; then --context NAME or berth context use NAME");
        store.Get(name, "whose certificate is shown");
        try
        {
            var files = store.Identity(name);
            var identity = files.Load() ?? throw UserError.Usage($"context '{name}' has no client certificate, and a manager's network address needs one",
                "get one from an administrator (berth cluster client create) and import it: berth context import FILE");
            return new ClientTls(identity, name, time, roots => Keep(files, name, roots));
        }
        catch (Exception error) when (error is InvalidDataException or IOException or UnauthorizedAccessException)
        {
            throw UserError.Usage($"the client certificate of context '{name}' cannot be used: {error.Message}", "import it again: berth context import FILE");
        }
    }

    private static void Keep(IdentityFiles files, string name, string roots)
    {
        try
        {
            files.SaveRoots(roots);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new UserError($"the cluster's authority was rotated, and context '{name}' could not be told: {error.Message}",
                "make its folder writable, or import a new context: berth context import FILE --force", ExitCode.Failed);
        }
    }

    private static string? NonEmpty(string? text) => string.IsNullOrEmpty(text) ? null : text;
}
