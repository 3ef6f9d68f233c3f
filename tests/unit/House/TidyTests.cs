using System.Text.RegularExpressions;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace Berth.Tests.House;

/// <summary>What the compiler does not check: sizes, and calls that make code untestable or lose errors.</summary>
public sealed partial class TidyTests
{
    private const int LongestMethod = 70;
    private const int LongestFile = 400;

    [Fact]
    public void Methods_fit_on_a_screen()
    {
        var tooLong = from source in SourceTree.Sources
                      from method in source.Syntax.DescendantNodes().OfType<BaseMethodDeclarationSyntax>()
                      let span = method.GetLocation().GetLineSpan()
                      let lines = span.EndLinePosition.Line - span.StartLinePosition.Line + 1
                      where lines > LongestMethod
                      select $"{source.Path}:{span.StartLinePosition.Line + 1} is {lines} lines long";

        Assert.Empty(tooLong);
    }

    [Fact]
    public void Files_have_one_subject()
    {
        var tooLong = from source in SourceTree.Sources
                      let lines = source.Syntax.GetText().Lines.Count
                      where lines > LongestFile
                      select $"{source.Path} has {lines} lines";

        Assert.Empty(tooLong);
    }

    [Fact]
    public void Source_reads_no_clock_makes_no_chance_and_never_blocks()
    {
        var found = from source in SourceTree.Sources
                    from node in source.Syntax.DescendantNodes()
                    let reason = Banned(node)
                    where reason is not null
                    where !(reason.StartsWith("chance", StringComparison.Ordinal) && source.Path == "src/Shared/Model/IdSource.cs")
                    select $"{source.Path}:{node.GetLocation().GetLineSpan().StartLinePosition.Line + 1}: {reason}";

        Assert.Empty(found);
    }

    [Fact]
    public void Errors_are_never_swallowed()
    {
        var found = from source in SourceTree.Sources
                    from caught in source.Syntax.DescendantNodes().OfType<CatchClauseSyntax>()
                    where caught.Block.Statements.Count == 0
                        && !caught.Block.DescendantTrivia().Any(trivia => trivia.IsKind(SyntaxKind.SingleLineCommentTrivia))
                    select $"{source.Path}:{caught.GetLocation().GetLineSpan().StartLinePosition.Line + 1}: an empty catch says why in a comment";

        Assert.Empty(found);
    }

    [Fact]
    public void Nothing_is_left_unfinished()
    {
        var found = from source in SourceTree.Sources
                    from line in SourceTree.Read(source.Path).Split('\n').Select((text, at) => (text, at))
                    where Unfinished().IsMatch(line.text)
                    select $"{source.Path}:{line.at + 1}: {line.text.Trim()}";

        Assert.Empty(found);
    }

    [Fact]
    public void Folders_and_types_say_what_they_are_for()
    {
        var vague = SourceTree.Sources.Select(source => source.Path)
            .Where(path => path.Split('/').Any(part => VagueName().IsMatch(Path.GetFileNameWithoutExtension(part))));

        Assert.Empty(vague);
    }

    private static string? Banned(SyntaxNode node) => node switch
    {
        MemberAccessExpressionSyntax { Expression: IdentifierNameSyntax { Identifier.Text: "DateTime" or "DateTimeOffset" }, Name.Identifier.Text: "UtcNow" or "Now" } =>
            "reads the clock; take a TimeProvider",
        ObjectCreationExpressionSyntax { Type: IdentifierNameSyntax { Identifier.Text: "Random" } } =>
            "chance; take an IdSource or a seeded Random from the composition root",
        InvocationExpressionSyntax { Expression: MemberAccessExpressionSyntax { Name.Identifier.Text: "Wait", Expression: not IdentifierNameSyntax }, ArgumentList.Arguments.Count: 0 } =>
            "blocks a thread",
        MemberAccessExpressionSyntax { Expression: IdentifierNameSyntax { Identifier.Text: "Thread" }, Name.Identifier.Text: "Sleep" } =>
            "blocks a thread",
        InvocationExpressionSyntax { Expression: MemberAccessExpressionSyntax { Name.Identifier.Text: "GetResult", Expression: InvocationExpressionSyntax } } =>
            "blocks a thread",
        _ => null,
    };

    [GeneratedRegex(@"\b(TODO|FIXME|XXX|HACK|TBD)\b|NotImplementedException|#region")]
    private static partial Regex Unfinished();

    [GeneratedRegex(@"(Utils?|Helpers?|Common|Misc)$")]
    private static partial Regex VagueName();
}
