using System.CommandLine;
using Berth.Cli.Output;

namespace Berth.Cli.Lab;

/// <summary>A command of <c>berth lab</c>, with examples for its help.</summary>
/// <param name="name">The word on the command line.</param>
/// <param name="description">One sentence.</param>
/// <param name="examples">Whole command lines; a test parses each.</param>
internal sealed class LabVerb(string name, string description, params string[] examples) : Command(name, description), IHasExamples
{
    /// <inheritdoc />
    public IReadOnlyList<string> Examples { get; private set; } = examples;

    /// <summary>Sets its examples.</summary>
    public LabVerb Shows(params string[] lines)
    {
        Examples = lines;
        return this;
    }
}
