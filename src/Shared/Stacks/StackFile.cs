using Berth.Model;
using Berth.Stacks.Yaml;

namespace Berth.Stacks;

/// <summary>Reads stack files: what Docker calls Compose files, as far as Berth honours them (docs/stack-files.md).</summary>
public static class StackFile
{
    /// <summary>Reads one or more files, later ones laid over earlier ones.</summary>
    /// <param name="documents">At least one.</param>
    /// <param name="stackName">Prefix of every service's and volume's name.</param>
    /// <param name="variables">What <c>${NAME}</c> and a bare name under <c>environment</c> stand for.</param>
    /// <param name="options">Berth's defaults when null.</param>
    /// <returns>The spec, or every problem found; never throws for what is in a file.</returns>
    public static StackFileResult Load(
        IReadOnlyList<StackDocument> documents, string stackName, IReadOnlyDictionary<string, string> variables, StackFileOptions? options = null) =>
        Read(documents, stackName, variables, options).Result;

    /// <summary>One file that asks for the same as all of them together, and reads the same anywhere.</summary>
    /// <returns>Also its text; null where there are problems.</returns>
    public static (StackFileResult Result, string? Text) Merge(
        IReadOnlyList<StackDocument> documents, string stackName, IReadOnlyDictionary<string, string> variables, StackFileOptions? options = null)
    {
        var (result, merged, context) = Read(documents, stackName, variables, options);
        return (result, result.Spec is not null && merged is not null ? StackFileWriter.Write(merged, context) : null);
    }

    private static (StackFileResult Result, YamlMap? Merged, StackContext Context) Read(
        IReadOnlyList<StackDocument> documents, string stackName, IReadOnlyDictionary<string, string> variables, StackFileOptions? options)
    {
        ArgumentOutOfRangeException.ThrowIfZero(documents.Count);
        var problems = new ProblemList();
        var files = documents.Select(document => document.Name).ToList();
        var roots = documents.Select(document => ReadRoot(document, variables, problems)).ToList();

        // A file that could not be read may hold anything: what is missing from the others is then no problem of theirs.
        StackSpec? spec = null;
        YamlMap? merged = null;
        var directories = documents.GroupBy(document => document.Name).ToDictionary(group => group.Key, group => group.First().Directory);
        var context = new StackContext(stackName, variables, options ?? new StackFileOptions(), directories);
        if (roots.All(root => root is not null))
        {
            merged = roots.Select(root => root!).Aggregate(FileMerge.Merge);
            spec = StackReader.Read(new Field(merged, "", problems), context);
        }
        return (new StackFileResult(problems.IsEmpty ? spec : null, problems.Problems(files), problems.Warnings(files)), merged, context);
    }

    /// <summary>Reads one file from text.</summary>
    public static StackFileResult Load(
        string text, string stackName, IReadOnlyDictionary<string, string> variables, StackFileOptions? options = null) =>
        Load([StackDocument.FromText("stack.yml", "/", text)], stackName, variables, options);

    private static YamlMap? ReadRoot(StackDocument document, IReadOnlyDictionary<string, string> variables, ProblemList problems)
    {
        if (DocumentText.Read(document, problems) is not { } text || YamlTreeReader.Read(document.Name, text, problems) is not { } root)
            return null;
        if (root is YamlMap map)
            return Interpolation.Apply(map, variables, problems);
        problems.Add(root.Place, "", $"a stack file is a mapping, and this is {root.Kind}", "write at least: services: {NAME: {image: IMAGE}}");
        return null;
    }
}
