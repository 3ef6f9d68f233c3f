using System.Globalization;
using Berth.Model;
using Berth.Stacks.Values;

namespace Berth.Cli.Commands;

/// <summary>Reads the values of flags as Docker writes them. Each throws <see cref="FormatException"/> with what to write
/// instead; whether a value makes sense together with others is for <see cref="SpecRules"/> and the manager.</summary>
internal static class FlagValues
{
    /// <summary>A duration: <c>1m30s</c>, <c>500ms</c>, <c>0</c>.</summary>
    public static TimeSpan Duration(string text)
    {
        if (!GoDuration.TryParse(text, out var duration))
            throw new FormatException($"write {GoDuration.Form}");
        return duration >= TimeSpan.Zero ? duration : throw new FormatException("a duration is not negative; write 0s or more");
    }

    /// <summary>An amount of memory in bytes: <c>64M</c>, <c>1.5g</c>; units are powers of 1024, as Docker's.</summary>
    public static long Bytes(string text) =>
        ByteSize.TryParse(text, out var bytes) ? bytes : throw new FormatException($"write {ByteSize.Form}");

    /// <summary>CPUs as billionths: <c>0.5</c> is 500,000,000.</summary>
    public static long Cpus(string text) =>
        CpuAmount.TryParse(text, out var nanoCpus) ? nanoCpus : throw new FormatException($"write {CpuAmount.Form}");

    /// <summary>A count of 0 or more.</summary>
    public static int Count(string text) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var count)
            ? count
            : throw new FormatException("write a whole number of 0 or more");

    /// <summary>A share from 0 to 1.</summary>
    public static double Ratio(string text) =>
        double.TryParse(text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var ratio) && ratio <= 1
            ? ratio
            : throw new FormatException("write a share from 0 to 1, such as 0.25");

    /// <summary>A label: <c>KEY=VALUE</c>, or <c>KEY</c> with an empty value.</summary>
    public static KeyValuePair<string, string> Label(string text)
    {
        var (key, value) = Split(text);
        return SpecRules.LabelKeyProblem(key) is { } problem ? throw new FormatException(problem) : KeyValuePair.Create(key, value ?? "");
    }

    /// <summary>An environment variable: <c>KEY=VALUE</c>; a bare <c>KEY</c> takes this process's value where it has one.</summary>
    public static string Environment(string text, Func<string, string?> environment)
    {
        var (key, value) = Split(text);
        if (key.Length == 0)
            throw new FormatException("write KEY=VALUE");
        return value is null && environment(key) is { } own ? $"{key}={own}" : text;
    }

    /// <summary>A placement constraint.</summary>
    public static Constraint Constraint(string text) =>
        Model.Constraint.TryParse(text, out var constraint, out var error) ? constraint : throw new FormatException(error);

    /// <summary>A placement preference: <c>spread=node.labels.zone</c>.</summary>
    public static string Spread(string text)
    {
        const string prefix = "spread=";
        if (!text.StartsWith(prefix, StringComparison.Ordinal))
            throw new FormatException("write spread=ATTRIBUTE, such as spread=node.labels.zone");
        var key = text[prefix.Length..];
        return Model.Constraint.IsKnown(key)
            ? key
            : throw new FormatException($"'{key}' is not an attribute of nodes; write one such as node.labels.NAME or node.hostname");
    }

    /// <summary>A command line as a shell splits it: quotes and backslashes hold words together.</summary>
    public static ValueList<string> Words(string text)
    {
        if (!ShellWords.TrySplit(text, out var words, out var comment, out var error))
            throw new FormatException(error);
        return comment is null ? words : throw new FormatException($"'{comment}' would be left out as a comment; put it in quotes");
    }

    private static (string Key, string? Value) Split(string text)
    {
        var at = text.IndexOf('=', StringComparison.Ordinal);
        return at < 0 ? (text, null) : (text[..at], text[(at + 1)..]);
    }
}
