using System.Text.RegularExpressions;

namespace Berth.Model;

/// <summary>The form of image references: <c>[HOST[:PORT]/]PATH[:TAG][@DIGEST]</c>, as the engine reads them.</summary>
public static partial class ImageReference
{
    private const int LongestName = 255;

    /// <summary>Why <paramref name="image"/> is no reference; null when it is one. Whether it exists, a node finds out.</summary>
    public static string? Problem(string image)
    {
        if (image.Length == 0)
            return "an image is missing; write one such as redis:7";

        var match = Grammar().Match(image);
        if (match.Success)
        {
            return match.Groups["name"].Length <= LongestName
                ? null
                : $"the image's name has {match.Groups["name"].Length} characters; at most {LongestName} are allowed";
        }
        return Grammar().IsMatch(image.ToLowerInvariant())
            ? $"'{image}' is not an image reference: repository names are lower case"
            : $"'{image}' is not an image reference; write [HOST[:PORT]/]NAME[:TAG][@sha256:DIGEST], such as redis:7";
    }

    [GeneratedRegex(
        @"^(?<name>((?<host>(localhost|[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+|[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*:[0-9]+|\[[a-fA-F0-9:]+\](:[0-9]+)?))/)?"
        + @"[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*(/[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*)*)"
        + @"(:(?<tag>[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}))?(@(?<digest>[A-Za-z][A-Za-z0-9]*:[0-9a-fA-F]{32,}))?\z",
        RegexOptions.CultureInvariant | RegexOptions.NonBacktracking | RegexOptions.ExplicitCapture)]
    private static partial Regex Grammar();
}
