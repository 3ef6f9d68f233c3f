namespace Berth.Cli.Output;

/// <summary>Where output goes, and what may be done there. stdout carries data, stderr everything people read on the way.</summary>
internal sealed record Terminal
{
    /// <summary>stdout: data.</summary>
    public required TextWriter Out { get; init; }

    /// <summary>stderr: progress, notes, errors.</summary>
    public required TextWriter Err { get; init; }

    /// <summary>Columns of the terminal that stdout is; null when it is a file or a pipe, which nothing is cut for.</summary>
    public int? Width { get; init; }

    /// <summary>Whether stdout may carry colours.</summary>
    public bool ColorOut { get; init; }

    /// <summary>Whether stderr is a terminal that progress can be redrawn on.</summary>
    public bool LiveErr { get; init; }

    /// <summary>Whether stderr may carry colours.</summary>
    public bool ColorErr { get; init; }

    /// <summary>Lines of the terminal that stderr is; 24 when unknown.</summary>
    public int Height { get; init; } = 24;

    /// <summary>The process's own stdout and stderr. Colour only on terminals and never under <c>NO_COLOR</c>; nothing is
    /// redrawn under <c>TERM=dumb</c>.</summary>
    public static Terminal OfProcess(Func<string, string?> environment)
    {
        var dumb = environment("TERM") is null or "" or "dumb";
        var color = !dumb && string.IsNullOrEmpty(environment("NO_COLOR"));
        var outIs = !Console.IsOutputRedirected;
        var errIs = !Console.IsErrorRedirected;
        return new Terminal
        {
            Out = Console.Out,
            Err = Console.Error,
            Width = outIs ? Window.Size(1)?.Columns : null,
            ColorOut = outIs && color,
            LiveErr = errIs && !dumb,
            ColorErr = errIs && color,
            Height = Window.Size(2)?.Rows ?? 24,
        };
    }

    /// <summary>One line for people, on stderr.</summary>
    public void Note(string line) => Err.WriteLine(line);

    /// <summary>An error and what to do next, on stderr.</summary>
    public void Show(UserError error)
    {
        foreach (var line in error.Lines())
            Err.WriteLine(line);
    }
}
