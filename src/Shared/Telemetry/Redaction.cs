using System.Text.RegularExpressions;

namespace Berth.Telemetry;

/// <summary>Takes out of a text what must not leave the host: keys, tokens, and values whose name says that they are secret.</summary>
/// <remarks>A second line: nothing of that kind is meant to be in these texts.</remarks>
public static partial class Redaction
{
    /// <summary>What stands in place of what was taken out.</summary>
    public const string Mark = "[redacted]";

    /// <summary>The text without secrets.</summary>
    public static string Of(string text)
    {
        text = PrivateKey().Replace(text, Mark);
        text = JoinToken().Replace(text, "${digest}" + Mark);
        text = UnlockKey().Replace(text, "BERTHKEY-1-" + Mark);
        text = Userinfo().Replace(text, Mark + "@");
        text = AssignedValue().Replace(text, "${name}" + Mark);
        return ToldPassword().Replace(text, "${name}" + Mark);
    }

    /// <summary>An entry <c>NAME=VALUE</c> without its value.</summary>
    public static string OfVariable(string entry)
    {
        var equals = entry.IndexOf('=', StringComparison.Ordinal);
        return equals < 0 ? entry : entry[..(equals + 1)] + Mark;
    }

    /// <summary>Whether a name says that its value is secret.</summary>
    public static bool IsSecretName(string name) => SecretName().IsMatch(name);

    [GeneratedRegex("-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(-----END [A-Z ]*PRIVATE KEY-----|$)", RegexOptions.Singleline)]
    private static partial Regex PrivateKey();

    [GeneratedRegex("(?<digest>BERTH-1-[a-zA-Z2-7]+-)[a-zA-Z2-7]+")]
    private static partial Regex JoinToken();

    [GeneratedRegex("BERTHKEY-1-[a-zA-Z2-7]+")]
    private static partial Regex UnlockKey();

    [GeneratedRegex("(?<=://)[^/@\\s]+@")]
    private static partial Regex Userinfo();

    // NAME=VALUE and "NAME": "VALUE". A colon alone also stands in sentences. What stands before the telling word stays as it is; to look for
    // it would make long lines cost the square of their length.
    [GeneratedRegex("(?<name>(pass(word|phrase|wd)|secret|token|credential|api[_-]?key|private[_-]?key)\\w*([\"']\\s*:\\s*[\"']?|=[\"']?))[^\\s\"',;]+", RegexOptions.IgnoreCase)]
    private static partial Regex AssignedValue();

    [GeneratedRegex("(?<name>\\bpass(word|phrase|wd): *)[^\\s\"',;]+", RegexOptions.IgnoreCase)]
    private static partial Regex ToldPassword();

    [GeneratedRegex("pass(word|phrase|wd)|secret|token|credential|api[_-]?key|private[_-]?key", RegexOptions.IgnoreCase)]
    private static partial Regex SecretName();
}
