using Berth.Stacks;
using CsCheck;

namespace Berth.Tests.Shared.Stacks;

/// <summary>Files written as one: what <c>stack config</c> prints.</summary>
public sealed class MergedFileTests
{
    private static readonly Dictionary<string, string> Shell = new() { ["HOME"] = "/home/me", ["TAG"] = "1.2", ["TOKEN"] = "a=b: $c" };

    [Fact]
    public void Later_files_lie_over_earlier_ones_and_nothing_is_left_to_look_up()
    {
        var (result, text) = StackFile.Merge(
            [
                StackDocument.FromText("a.yml", "/here", """
                    services:
                      web:
                        image: "web:${TAG}"
                        environment: [TOKEN, UNKNOWN, "PRICE=5$$"]
                        volumes: [./data:/data:ro, ~/keys:/keys, named:/named, {type: bind, source: ../up, target: /up}]
                    volumes: {named: }
                    """),
                StackDocument.FromText("b.yml", "/there", """
                    services:
                      web: {stop_grace_period: 5s, labels: {on: "yes", n: "1"}, volumes: ["./own:/own"]}
                    """),
            ],
            "shop", Shell);

        Assert.NotNull(text);
        Assert.StartsWith("services:\n  web:\n    image: web:1.2\n", text);
        Assert.Contains("- /here/data:/data:ro\n", text);
        Assert.Contains("- /home/me/keys:/keys\n", text);
        Assert.Contains("source: /up\n", text);
        Assert.Contains("- /there/own:/own\n", text);
        Assert.Contains("PRICE=5$$\n", text);
        var again = StackFile.Load([StackDocument.FromText("c.yml", "/elsewhere", text)], "shop", Loaded.NoVariables);
        Assert.Empty(again.Problems);
        Assert.Equal(result.Spec, again.Spec);
    }

    [Fact]
    public void Any_text_comes_back_as_it_was()
    {
        string[] words =
        [
            "yes", "null", "0x1F", "1e3", "12:30", "=", "<<", "---", "- a", "a: b", "a #b", "$", "line one\nline two\n", "  indented\nblock", "end\n\n", "\u0085", "🐳",
        ];
        Gen.OneOf(
            Gen.String[Gen.Char["ab:#- \n\t'\"|>&*!%@`{}[],?.$é0123456789~"], 0, 30],
            Gen.Int[0, words.Length - 1].Select(at => words[at]))
        .Sample(
            value =>
            {
                var (result, text) = StackFile.Merge(
                    [StackDocument.FromText("a.yml", "/", "services: {web: {image: x, labels: {a: $TEXT, b: \"z${TEXT}\"}, environment: [TEXT]}}")],
                    "shop", new Dictionary<string, string> { ["TEXT"] = value });
                return text is null ? !result.Problems.IsEmpty : StackFile.Load(text, "shop", Loaded.NoVariables).Spec?.Equals(result.Spec) == true;
            },
            iter: 3_000);
    }
}
