using System.Text;

namespace Berth.Cli.Output;

/// <summary>Where input comes from.</summary>
internal sealed record Keyboard
{
    /// <summary>stdin, as text.</summary>
    public required TextReader Text { get; init; }

    /// <summary>Whether a person is there to be asked.</summary>
    public bool IsTerminal { get; init; }

    /// <summary>The process's own stdin, opened when it is first read.</summary>
    public static Keyboard OfProcess() => new() { Text = new Lazily(), IsTerminal = !Console.IsInputRedirected };

    /// <summary>Reads a line that is not shown; its argument is where the line ends on the screen.</summary>
    public Func<TextWriter, string> Hidden { get; init; } = FromConsole;

    /// <summary>Asks for a line that is not shown.</summary>
    public string ReadHidden(TextWriter screen, string prompt)
    {
        screen.Write(prompt);
        screen.Flush();
        return Hidden(screen);
    }

    private static string FromConsole(TextWriter screen)
    {
        var text = new StringBuilder();
        while (Console.ReadKey(intercept: true) is { Key: not ConsoleKey.Enter } key)
        {
            if (key.Key == ConsoleKey.Backspace)
                text.Length = Math.Max(0, text.Length - 1);
            else if (!char.IsControl(key.KeyChar))
                text.Append(key.KeyChar);
        }
        screen.WriteLine();
        return text.ToString();
    }

    // Opening stdin costs more than most commands need it for.
    private sealed class Lazily : TextReader
    {
        public override string? ReadLine() => Console.In.ReadLine();

        public override string ReadToEnd() => Console.In.ReadToEnd();
    }
}
