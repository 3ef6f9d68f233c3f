namespace Berth.Agent.Engine;

/// <summary>An image reference in the two parts of Docker's pull call.</summary>
/// <param name="Repository">Such as <c>registry:5000/team/web</c>.</param>
/// <param name="Tag">A tag, or a digest such as <c>sha256:…</c>; never empty, for a pull without a tag pulls them all.</param>
public sealed record ImageReference(string Repository, string Tag)
{
    /// <summary>Splits a reference; without a tag it means <c>latest</c>, and a digest wins over a tag.</summary>
    public static ImageReference Parse(string image)
    {
        var at = image.IndexOf('@', StringComparison.Ordinal);
        var named = at < 0 ? image : image[..at];
        var colon = named.LastIndexOf(':');
        var hasTag = colon > named.LastIndexOf('/');
        var repository = hasTag ? named[..colon] : named;
        return new ImageReference(repository, at >= 0 ? image[(at + 1)..] : hasTag ? named[(colon + 1)..] : "latest");
    }
}
