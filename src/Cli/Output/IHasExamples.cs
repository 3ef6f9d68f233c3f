namespace Berth.Cli.Output;

/// <summary>A command whose help ends with examples.</summary>
internal interface IHasExamples
{
    /// <summary>Whole command lines that show its use; what follows two spaces and a '#' says what they do.</summary>
    IReadOnlyList<string> Examples { get; }
}
