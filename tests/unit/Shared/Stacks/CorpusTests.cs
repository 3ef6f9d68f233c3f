using System.Text;
using Berth.Model;
using Berth.Protocol;
using Berth.Stacks;
using Berth.Tests.House;
using Xunit.Abstractions;
using YamlDotNet.RepresentationModel;

namespace Berth.Tests.Shared.Stacks;

/// <summary>Real and broken stack files with what Docker said of them: a folder beside the checkout (<c>shared/stacks</c>),
/// or under the variable BERTH_SHARED. Skipped where it is absent.</summary>
public sealed class CorpusTests(ITestOutputHelper output)
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(5);

    // Docker refuses these and Berth reads them: what is meant is plain.
    private static readonly string[] ReadOnPurpose =
    [
        "feature-newer-than-version.yml", // version 3.0 with a key of 3.7: the version changes nothing here
        "mem-int.yml", // memory: 100000000 without quotes
    ];

    private static readonly string? Root = Find();

    [SkippableFact]
    public async Task Every_bad_file_is_refused_with_a_line_and_none_hangs_or_crashes()
    {
        var folder = Corpus("bad");
        var accepted = new List<string>();
        int refused = 0, read = 0;
        foreach (var path in Directory.EnumerateFiles(folder, "*.yml").Where(IsInput).Order(StringComparer.Ordinal))
        {
            var result = await Load(path, Variables(path));
            Assert.All(result.Problems, problem => Assert.True(problem is { Line: > 0, Column: > 0 }, problem.ToString()));
            if (result.Spec is null)
                refused++;
            else if (File.Exists(path + ".error.txt") || File.Exists(path + ".deploy-error.txt"))
                accepted.Add(Path.GetFileName(path));
            else
                read++;
        }

        output.WriteLine($"{refused} bad files refused, {read} read as Docker reads them, {accepted.Count} read on purpose");
        Assert.Equal(ReadOnPurpose, accepted);
    }

    [SkippableFact]
    public async Task Every_real_file_is_read_or_refused_for_each_key_that_is_not_honoured()
    {
        int read = 0, refused = 0, problems = 0;
        foreach (var path in RealFiles())
        {
            var result = await Load(path, Variables(path));
            (read, refused, problems) = (read + (result.Spec is null ? 0 : 1), refused + (result.Spec is null ? 1 : 0), problems + result.Problems.Count);
            Assert.True(result.Spec is not null || result.Problems.Count > 0, path);
            Assert.All(result.Problems, problem => Assert.True(problem is { Line: > 0, Column: > 0 } && problem.Next.Length > 0, problem.ToString()));
        }
        output.WriteLine($"{read} real files read, {refused} refused with {problems} problems");
    }

    [SkippableFact]
    public async Task Every_real_file_that_is_read_asks_for_the_same_when_written_as_one()
    {
        var compared = 0;
        foreach (var path in RealFiles())
        {
            var (result, text) = StackFile.Merge([StackDocument.FromText("a.yml", "/stack", await File.ReadAllTextAsync(path))], "shop", Variables(path));
            if (text is null)
                continue;
            var again = StackFile.Load([StackDocument.FromText("b.yml", "/elsewhere", text)], "shop", Loaded.NoVariables);
            Assert.True(again.Problems.IsEmpty, $"{path}: {string.Join("; ", again.Problems)}\n{text}");
            Assert.Equal(Lines(result), Lines(again));
            compared++;
        }
        Assert.True(compared > 0);
    }

    // What Docker made of a file, read as a file again, is the same stack: whatever Docker normalises means the same here.
    [SkippableFact]
    public async Task What_is_honoured_means_what_it_means_to_docker()
    {
        int whole = 0, reduced = 0;
        var different = new List<string>();
        foreach (var path in RealFiles().Where(path => File.Exists(path + ".config.yml")))
        {
            var text = await File.ReadAllTextAsync(path);
            var docker = (await File.ReadAllTextAsync(path + ".config.yml")).Replace("$", "$$", StringComparison.Ordinal);
            var result = await Load(path, Variables(path));
            if (result.Spec is null)
            {
                // Without the keys that are refused, what remains must still be the same. What << brings cannot be removed
                // from the text.
                if (text.Contains("<<:", StringComparison.Ordinal))
                    continue;
                (text, docker) = (Without(text, result), Without(docker, result));
                reduced++;
            }
            else
            {
                whole++;
            }
            var ours = StackFile.Load([StackDocument.FromText("ours.yml", "/stack", text)], "shop", Variables(path));
            var theirs = StackFile.Load([StackDocument.FromText("docker.yml", "/stack", docker)], "shop", Loaded.NoVariables);
            different.AddRange(Lines(ours).Except(Lines(theirs)).Zip(Lines(theirs).Except(Lines(ours)), (our, their) => Difference(path, our, their)));
            if (Lines(ours).Count() != Lines(theirs).Count())
                different.Add($"{Path.GetFileName(path)}: {string.Join(", ", Lines(ours).Select(line => line[..20]))} / {string.Join(", ", Lines(theirs).Select(line => line[..20]))}");
        }

        output.WriteLine($"{whole} files compared whole, {reduced} without their refused keys");
        Assert.True(different.Count == 0, string.Join("\n", different));
        Assert.True(whole + reduced >= 50, $"only {whole} whole and {reduced} reduced files were compared");
    }

    // One service a line, by name (Docker writes them sorted), or one refused key a line.
    private static IEnumerable<string> Lines(StackFileResult result) =>
        result.Spec?.ToWire().Services.OrderBy(service => service.Name, StringComparer.Ordinal).Select(service => service.ToString())
        ?? result.Problems.Select(problem => $"refused: {problem.Path}").Distinct().Order(StringComparer.Ordinal);

    // From where they differ.
    private static string Difference(string path, string ours, string theirs)
    {
        var at = Math.Max(0, ours.AsSpan().CommonPrefixLength(theirs) - 40);
        return $"{Path.GetFileName(path)}: ...{ours[at..Math.Min(ours.Length, at + 120)]}... / ...{theirs[at..Math.Min(theirs.Length, at + 120)]}...";
    }

    private static IEnumerable<string> RealFiles() =>
        Directory.EnumerateFiles(Corpus(""), "*.yml").Where(IsInput).Order(StringComparer.Ordinal);

    private static bool IsInput(string path) => !path.EndsWith(".config.yml", StringComparison.Ordinal);

    private static async Task<StackFileResult> Load(string path, IReadOnlyDictionary<string, string> variables)
    {
        var document = new StackDocument(Path.GetFileName(path), "/stack", await File.ReadAllBytesAsync(path));
        return await Task.Run(() => StackFile.Load([document], "shop", variables)).WaitAsync(Limit);
    }

    private static Dictionary<string, string> Variables(string path)
    {
        var variables = new Dictionary<string, string> { ["HOME"] = "/root", ["PATH"] = "/usr/local/bin:/usr/bin:/bin" };
        foreach (var line in File.Exists(path + ".env") ? File.ReadAllLines(path + ".env") : [])
            variables[line[..line.IndexOf('=')]] = line[(line.IndexOf('=') + 1)..];
        return variables;
    }

    private static string Without(string text, StackFileResult result)
    {
        var stream = new YamlStream();
        stream.Load(new StringReader(text));
        foreach (var problem in result.Problems)
        {
            var parts = problem.Path.Split('[')[0].Split('.');
            // Environment may be a list in one of the two, and Docker writes into it what env_file names.
            parts = parts is ["services", _, "environment", ..] ? parts[..3] : parts;
            if (parts is ["services", var service, "env_file"])
                Remove(stream, ["services", service, "environment"]);
            Remove(stream, parts);
        }
        var written = new StringWriter(new StringBuilder());
        stream.Save(written, assignAnchors: false);
        return written.ToString();
    }

    private static void Remove(YamlStream stream, string[] path)
    {
        var node = stream.Documents[0].RootNode;
        foreach (var part in path[..^1])
        {
            if (node is not YamlMappingNode map || !map.Children.TryGetValue(new YamlScalarNode(part), out node!))
                return;
        }
        (node as YamlMappingNode)?.Children.Remove(new YamlScalarNode(path[^1]));
    }

    private static string Corpus(string folder)
    {
        Skip.If(Root is null, "there is no folder shared/stacks beside the checkout, and BERTH_SHARED names none");
        return Path.Combine(Root!, folder);
    }

    private static string? Find()
    {
        var named = Environment.GetEnvironmentVariable("BERTH_SHARED");
        var beside = new List<string>();
        for (var folder = new DirectoryInfo(SourceTree.Root).Parent; folder is not null; folder = folder.Parent)
            beside.Add(Path.Combine(folder.FullName, "shared"));
        return (named is null ? beside : [named]).Select(shared => Path.Combine(shared, "stacks")).FirstOrDefault(Directory.Exists);
    }
}
