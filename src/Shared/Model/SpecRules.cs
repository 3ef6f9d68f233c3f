using System.Collections.Immutable;
using System.Text.RegularExpressions;

namespace Berth.Model;

/// <summary>What every spec must obey, wherever it comes from. Managers refuse what breaks a rule; the stack-file reader
/// asks the same rules and adds the line.</summary>
public static partial class SpecRules
{
    /// <summary>Characters of a service's name, <c>STACK_</c> included; names become DNS labels.</summary>
    public const int LongestName = 63;

    /// <summary>Replicas of one service: more is taken for a slip of the pen.</summary>
    public const int MostReplicas = 100_000;

    private const string NameForm = "begin and end with a letter or digit and use only letters, digits, '-' and '_' between";

    /// <summary>Every problem of a service's spec; empty when it may be deployed. Paths are those of a stack file's
    /// service.</summary>
    public static ImmutableArray<SpecProblem> Check(ServiceSpec spec)
    {
        var problems = new SpecProblems();
        if (NameProblem(spec.Name) is { } wrongName)
            problems.Add("name", wrongName);
        Labels(problems, "deploy.labels", spec.Labels);
        ContainerRules.Check(problems, spec.Task.Container);
        NetworkRules.Check(problems, spec.Task.Network, spec.Task.Ports);
        EndpointRules.Check(problems, spec);
        DeployRules.Check(problems, spec);
        return [.. problems.All];
    }

    /// <summary>Every problem of a stack; empty when it may be deployed. Paths begin with <c>services.NAME.</c>, the name
    /// without <c>STACK_</c>.</summary>
    public static ImmutableArray<SpecProblem> Check(StackSpec stack)
    {
        var problems = new SpecProblems();
        if (NameProblem(stack.Name) is { } wrongName)
            problems.Add("name", wrongName);
        problems.AddIf(stack.Services.IsEmpty, "services", "a stack needs at least one service; to remove it, run: berth stack rm");

        var prefix = stack.Name + "_";
        var names = new HashSet<string>(StringComparer.Ordinal);
        foreach (var service in stack.Services)
        {
            var isPrefixed = service.Name.StartsWith(prefix, StringComparison.Ordinal);
            var path = "services." + (isPrefixed ? service.Name[prefix.Length..] : service.Name);
            problems.AddIf(!isPrefixed, path, $"the name '{service.Name}' does not begin with '{prefix}', as names in stack '{stack.Name}' do");
            problems.AddIf(!names.Add(service.Name), path, $"the name '{service.Name}' occurs twice");
            foreach (var problem in Check(service))
                problems.Add($"{path}.{problem.Path}", problem.Message);
        }
        EndpointRules.CheckTogether(problems, stack, prefix);
        return [.. problems.All];
    }

    /// <summary>Why <paramref name="name"/> cannot name a service or a stack; null when it can.</summary>
    public static string? NameProblem(string name)
    {
        if (name.Length == 0)
            return "a name is missing";
        if (name.Length > LongestName)
            return $"'{name}' has {name.Length} characters; at most {LongestName} are allowed, STACK_ included";
        return NameGrammar().IsMatch(name) ? null : $"'{name}' is not a name; {NameForm}";
    }

    /// <summary>Why <paramref name="key"/> cannot be a label's key; null when it can.</summary>
    public static string? LabelKeyProblem(string key)
    {
        if (key.Length == 0)
            return "a label needs a key; write KEY=VALUE";
        return key.Any(character => char.IsWhiteSpace(character) || char.IsControl(character) || character == '=')
            ? $"'{key}' is not a label's key; leave out spaces and '='"
            : null;
    }

    internal static void Labels(SpecProblems problems, string path, ValueMap labels)
    {
        foreach (var key in labels.Keys)
        {
            if (LabelKeyProblem(key) is { } problem)
                problems.Add(path, problem);
        }
    }

    // Not backtracking: swarmkit's ^[a-zA-Z0-9](?:[-_]*[A-Za-z0-9]+)*$ says the same and can take exponential time.
    [GeneratedRegex(@"^[A-Za-z0-9]([A-Za-z0-9_-]*[A-Za-z0-9])?\z", RegexOptions.CultureInvariant)]
    private static partial Regex NameGrammar();
}
