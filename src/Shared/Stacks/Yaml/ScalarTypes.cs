using System.Text.RegularExpressions;

namespace Berth.Stacks.Yaml;

/// <summary>What an unquoted scalar means, by the rules of Docker's YAML reader (YAML 1.2 with 1.1's numbers).</summary>
/// <remarks><c>yes</c>, <c>on</c> and <c>22:22</c> are text there, not a boolean and not a number to the base 60.</remarks>
internal static partial class ScalarTypes
{
    public static ScalarType Of(string plain) => plain switch
    {
        "" or "~" or "null" or "Null" or "NULL" => ScalarType.Null,
        "true" or "True" or "TRUE" or "false" or "False" or "FALSE" => ScalarType.Boolean,
        _ when Integer().IsMatch(plain) => ScalarType.Integer,
        _ when Float().IsMatch(plain) => ScalarType.Float,
        _ => ScalarType.Text,
    };

    [GeneratedRegex(@"^[-+]?(0b[01_]+|0o?[0-7_]+|0x[0-9a-fA-F_]+|0|[1-9][0-9_]*)\z")]
    private static partial Regex Integer();

    [GeneratedRegex(@"^([-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN))\z")]
    private static partial Regex Float();
}
