using System.Globalization;

namespace Berth.Stacks;

/// <summary>One thing that is wrong with a stack file, or that its author should know.</summary>
/// <param name="File">Name of the document.</param>
/// <param name="Line">From 1.</param>
/// <param name="Column">From 1, in characters.</param>
/// <param name="Path">The key, such as <c>services.web.deploy.replicas</c>; empty for the file as a whole.</param>
/// <param name="Message">What is wrong.</param>
/// <param name="Next">What to do about it.</param>
public sealed record StackFileProblem(string File, int Line, int Column, string Path, string Message, string Next)
{
    /// <summary><c>web.yml:14:5: services.web.deploy.replicas: …; next: …</c></summary>
    public override string ToString()
    {
        var path = Path.Length == 0 ? "" : Path + ": ";
        return string.Create(CultureInfo.InvariantCulture, $"{File}:{Line}:{Column}: {path}{Message}; next: {Next}");
    }
}
