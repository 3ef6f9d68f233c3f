using Berth.Stacks;
using Berth.Tests.House;
using CsCheck;

namespace Berth.Tests.Shared.Stacks;

/// <summary>The samples of the documents are valid, and nothing made of them by accident crashes the reader.</summary>
public sealed class SampleTests
{
    public static TheoryData<string> Samples => [.. SourceTree.Files("samples/stacks", "*.yml")];

    [Theory]
    [MemberData(nameof(Samples))]
    public void Every_sample_is_valid(string path)
    {
        var result = Load(path, SourceTree.Read(path));
        Assert.Empty(result.Problems.Select(problem => problem.ToString()));
        Assert.Empty(result.Warnings.Select(problem => problem.ToString()));
        Assert.NotEmpty(result.Spec!.Services);
    }

    [Theory]
    [MemberData(nameof(Samples))]
    public void Every_sample_written_as_one_file_asks_for_the_same(string path)
    {
        var (result, text) = StackFile.Merge([StackDocument.FromText(path, "/samples", SourceTree.Read(path))], "sample", Loaded.NoVariables);
        var again = StackFile.Load(text!, "sample", Loaded.NoVariables);
        Assert.Empty(again.Problems.Select(problem => problem.ToString()));
        Assert.Equal(result.Spec!.Services, again.Spec!.Services);
    }

    [Fact]
    public void A_damaged_file_is_read_or_refused_with_a_place_and_never_crashes()
    {
        var samples = SourceTree.Files("samples/stacks", "*.yml").Select(SourceTree.Read).ToList();
        string[] pieces = ["\t", "\n", " ", "&a ", "*a", "<<: ", "- ", "{", "}", "[", "]", ": ", "'", "\"", "|", ">", "${", "$", "!!int ", "#", "?", "%", "@", "---\n", "\uFEFF", "é", "🐳", "0", "-1", "null"];
        var edit = Gen.Select(Gen.Int[0, 10_000], Gen.Int[0, 30], Gen.Int[0, pieces.Length - 1]);

        Gen.Select(Gen.Int[0, samples.Count - 1], edit.Array[1, 6]).Sample(
            (sample, edits) =>
            {
                var text = edits.Aggregate(samples[sample], (damaged, change) => Damage(damaged, change.Item1, change.Item2, pieces[change.Item3]));
                var result = Load("damaged.yml", text);
                return result.Spec is null
                    ? result.Problems.Count > 0 && result.Problems.All(problem => problem is { Line: > 0, Column: > 0 } && problem.Message.Length > 0 && problem.Next.Length > 0)
                    : result.Problems.IsEmpty;
            },
            iter: 3_000);
    }

    private static string Damage(string text, int at, int removed, string added)
    {
        var start = text.Length == 0 ? 0 : at % text.Length;
        return string.Concat(text.AsSpan(0, start), added, text.AsSpan(Math.Min(text.Length, start + removed)));
    }

    private static StackFileResult Load(string path, string text) =>
        StackFile.Load([StackDocument.FromText(path, "/samples", text)], "sample", Loaded.NoVariables);
}
