using System.Text;

namespace Berth.Stacks;

/// <summary>One stack file as the caller read it: this folder does no I/O itself.</summary>
/// <param name="Name">As the user gave it; problems begin with it.</param>
/// <param name="Directory">Absolute path of the folder it lies in; relative bind mounts count from there.</param>
/// <param name="Content">Its bytes: UTF-8, or UTF-16 with a byte order mark.</param>
public sealed record StackDocument(string Name, string Directory, ReadOnlyMemory<byte> Content)
{
    /// <summary>A document from text, such as standard input.</summary>
    public static StackDocument FromText(string name, string directory, string text) =>
        new(name, directory, Encoding.UTF8.GetBytes(text));
}
