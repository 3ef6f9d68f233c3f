namespace Berth.Runc;

/// <summary>A call of an OCI runtime, as far as the wrapper needs to understand it.</summary>
/// <param name="MakesContainer">Whether it makes a container from a bundle (<c>create</c> and <c>run</c>).</param>
/// <param name="Bundle">The bundle's directory; the current one when null.</param>
/// <param name="Container">The container's id; empty when the call names none.</param>
/// <param name="Log">Where the caller reads what went wrong, as JSON; null for none.</param>
internal sealed record RuncCall(bool MakesContainer, string? Bundle, string Container, string? Log)
{
    // Flags of runc that take their value as the next argument. The container's id is the last argument in any case.
    private static readonly string[] GlobalFlags = ["--log", "--log-format", "--root", "--criu", "--rootless"];

    /// <summary>Reads the command line of runc.</summary>
    public static RuncCall Parse(IReadOnlyList<string> arguments)
    {
        string? log = null, bundle = null;
        var at = 0;
        for (; at < arguments.Count && arguments[at].StartsWith('-'); at++)
        {
            if (Value(arguments, at, "--log") is { } file)
                log = file;
            if (GlobalFlags.Contains(arguments[at]))
                at++;
        }
        var command = at < arguments.Count ? arguments[at] : "";
        for (var option = at + 1; option < arguments.Count; option++)
            bundle = Value(arguments, option, "--bundle") ?? Value(arguments, option, "-b") ?? bundle;
        return new RuncCall(command is "create" or "run", bundle, at + 1 < arguments.Count ? arguments[^1] : "", log);
    }

    // --flag VALUE and --flag=VALUE.
    private static string? Value(IReadOnlyList<string> arguments, int at, string flag)
    {
        if (arguments[at] == flag)
            return at + 1 < arguments.Count ? arguments[at + 1] : null;
        return arguments[at].StartsWith(flag + "=", StringComparison.Ordinal) ? arguments[at][(flag.Length + 1)..] : null;
    }
}
