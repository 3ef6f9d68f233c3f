using System.Text.RegularExpressions;

namespace Berth.Tests.House;

/// <summary>What pages promise that a test can see: decisions have a number each, and links lead somewhere.</summary>
public sealed partial class PagesTests
{
    private static IEnumerable<string> Pages => SourceTree.Files("docs", "*.md").Append("README.md");

    [Fact]
    public void Decisions_are_numbered_one_after_the_other()
    {
        var decisions = SourceTree.Files("docs/decisions", "*.md").ToList();

        Assert.Equal(Enumerable.Range(1, decisions.Count).Select(number => $"{number:0000}"), decisions.Select(path => Path.GetFileName(path)[..4]));
        Assert.All(decisions, path => Assert.StartsWith($"# {Path.GetFileName(path)[..4].TrimStart('0')}. ", SourceTree.Read(path), StringComparison.Ordinal));
    }

    [Fact]
    public void Links_of_pages_lead_to_files()
    {
        var dead = from page in Pages
                   from link in Link().Matches(SourceTree.Read(page))
                   let target = link.Groups[1].Value
                   let folder = Path.GetDirectoryName(Path.Combine(SourceTree.Root, page))!
                   where !Path.Exists(Path.Combine(folder, target))
                   select $"{page} links to {target}, which is not there";

        Assert.Empty(dead);
    }

    // Of other sites, and of places within a page, nothing is known here.
    [GeneratedRegex(@"\]\((?![a-z]+:|#)([^)#\s]+)")]
    private static partial Regex Link();
}
