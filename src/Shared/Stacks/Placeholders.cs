namespace Berth.Stacks;

/// <summary>Swarm fills placeholders such as <c>{{.Node.Hostname}}</c> in host names, environment and mounts. Berth does
/// not yet, and passing them on as they stand would be a silent difference.</summary>
internal static class Placeholders
{
    /// <summary>Notes a problem when <paramref name="text"/> holds a placeholder; returns the text.</summary>
    public static string Refuse(Field field, string text)
    {
        if (text.Contains("{{", StringComparison.Ordinal))
            field.Problem("placeholders such as {{.Node.Hostname}} are not supported yet", "write the value itself");
        return text;
    }
}
