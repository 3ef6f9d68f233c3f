using System.Text.RegularExpressions;

namespace Berth.Model;

/// <summary>What the name of a host must obey. Hosts say themselves what they are called, and people and files repeat it.</summary>
public static partial class HostRules
{
    /// <summary>Longest name, characters: that of a DNS name.</summary>
    public const int LongestName = 253;

    /// <summary>Why <paramref name="name"/> cannot name a host; null when it can.</summary>
    public static string? NameProblem(string name)
    {
        if (name.Length is 0 or > LongestName)
            return $"a hostname has 1 to {LongestName} characters, and this one has {name.Length}";
        return Name().IsMatch(name)
            ? null
            : $"'{(name.Length > 60 ? name[..60] + "…" : name)}' is not a hostname; begin with a letter or digit and use only letters, digits, '.', '_' and '-'";
    }

    [GeneratedRegex(@"\A[A-Za-z0-9][A-Za-z0-9._-]*\z", RegexOptions.CultureInvariant)]
    private static partial Regex Name();
}
