using System.CommandLine;
using System.Text;
using Berth.Cli.Output;

namespace Berth.Cli.Commands;

/// <summary>Secrets that a person gives: asked for on the terminal without showing them, read from stdin or from a file that only
/// its owner may read. Never from the command line, which every user of the machine can see.</summary>
internal static class SecretInput
{
    private const UnixFileMode Others = UnixFileMode.GroupRead | UnixFileMode.GroupWrite | UnixFileMode.OtherRead | UnixFileMode.OtherWrite;
    private const int LongestSecret = 4096;
    private const int LongestDocument = 1 << 20;

    /// <summary>The flag that names the file.</summary>
    public static Option<string?> FileFlag(string name, string help) => Flag.Text(name, "file", help);

    /// <summary>Reads a secret; surrounding line ends are not part of it.</summary>
    /// <param name="context">The terminal and stdin.</param>
    /// <param name="file">What the flag says; null asks on the terminal, or reads stdin where that is none.</param>
    /// <param name="prompt">What is asked.</param>
    /// <param name="what">For errors: <c>the unlock key</c>.</param>
    /// <param name="twice">Whether it is asked for a second time, because a typing error would lock its owner out.</param>
    /// <exception cref="UserError">There is none, or others may read the file.</exception>
    public static string Read(CommandContext context, string? file, string prompt, string what, bool twice = false)
    {
        var secret = file switch
        {
            null when context.Input.IsTerminal => Ask(context, prompt, what, twice),
            null or "-" => FirstLine(context.Input.Text.ReadLine()),
            _ => FromFile(file, what),
        };
        return secret.Length switch
        {
            0 => throw UserError.Usage($"{what} is empty", "write it to stdin, or name a file that holds it"),
            > LongestSecret => throw UserError.Usage($"{what} has {secret.Length} characters; at most {LongestSecret} are taken"),
            _ => secret,
        };
    }

    private static string Ask(CommandContext context, string prompt, string what, bool twice)
    {
        var first = context.Input.ReadHidden(context.Terminal.Err, prompt);
        if (twice && first.Length > 0 && context.Input.ReadHidden(context.Terminal.Err, "Again: ") != first)
            throw UserError.Usage($"{what} was not the same the second time", "run the command again");
        return first;
    }

    /// <summary>The whole text of a file.</summary>
    /// <param name="file">Which.</param>
    /// <param name="what">For errors: <c>the authority's key</c>.</param>
    /// <param name="isSecret">Whether others than its owner must not be able to read it.</param>
    /// <exception cref="UserError">It cannot be read, or others may.</exception>
    public static string Document(string file, string what, bool isSecret)
    {
        try
        {
            if (isSecret && (File.GetUnixFileMode(file) & Others) != 0)
                throw UserError.Usage($"{file}, which holds {what}, may be read or written by others than its owner", $"chmod 600 {file}");
            using var reader = new StreamReader(file, Encoding.UTF8);
            var text = new char[LongestDocument + 1];
            var length = reader.ReadBlock(text);
            return length <= LongestDocument ? new string(text, 0, length) : throw UserError.Usage($"{file}, which holds {what}, is longer than {LongestDocument} characters");
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw UserError.Usage($"{what} cannot be read from {file}: {error.Message}", "name a file that exists and that this user may read");
        }
    }

    private static string FromFile(string file, string what)
    {
        using var text = new StringReader(Document(file, what, isSecret: true));
        return FirstLine(text.ReadLine());
    }

    private static string FirstLine(string? line) => (line ?? "").TrimEnd('\r', '\n');
}
