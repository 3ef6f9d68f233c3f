using Berth.Model;
using Berth.Stacks;

namespace Berth.Tests.Shared.Stacks;

/// <summary>Reads stack files the way tests want them.</summary>
internal static class Loaded
{
    public static readonly IReadOnlyDictionary<string, string> NoVariables = new Dictionary<string, string>();

    public static StackFileResult From(string text, params (string Name, string Value)[] variables) =>
        StackFile.Load([StackDocument.FromText("web.yml", "/stack", text)], "shop", variables.ToDictionary(v => v.Name, v => v.Value));

    /// <summary>The spec of a file without problems.</summary>
    public static StackSpec Spec(string text, params (string Name, string Value)[] variables)
    {
        var result = From(text, variables);
        Assert.Empty(result.Problems.Select(problem => problem.ToString()));
        return result.Spec!;
    }

    /// <summary>The only service of a file whose service <c>web</c> has these further lines.</summary>
    public static ServiceSpec Service(string lines, params (string Name, string Value)[] variables) =>
        Assert.Single(Spec("services:\n  web:\n    image: web:1\n" + Indented(lines), variables).Services);

    public static StackFileResult Files(params string[] texts) =>
        StackFile.Load([.. texts.Select((text, at) => StackDocument.FromText($"{at + 1}.yml", $"/dir{at + 1}", text))], "shop", NoVariables);

    public static string Indented(string lines) =>
        string.Concat(lines.TrimEnd('\n').Split('\n').Select(line => line.Length == 0 ? "\n" : $"    {line}\n"));
}
