namespace Berth.Stacks;

/// <summary>What the readers of single keys need besides the key.</summary>
/// <param name="StackName">Name of the stack.</param>
/// <param name="Variables">The caller's environment.</param>
/// <param name="Options">How files are read.</param>
/// <param name="Directories">Folder of each document, by the document's name.</param>
internal sealed record StackContext(
    string StackName,
    IReadOnlyDictionary<string, string> Variables,
    StackFileOptions Options,
    IReadOnlyDictionary<string, string> Directories);
