using Spectre.Console;
using Spectre.Console.Rendering;

namespace Berth.Cli.Output;

/// <summary>Shows how something goes on: redrawn in place on a terminal, line by line elsewhere, not at all when quiet.</summary>
internal abstract class ProgressDisplay
{
    private ProgressDisplay() { }

    /// <summary>Lines a live view may have; the rest of the screen keeps what stood there.</summary>
    public abstract int Height { get; }

    /// <summary>Shows the newest state.</summary>
    /// <param name="view">All of it, for a live view.</param>
    /// <param name="changes">What is new in it, for line by line.</param>
    public abstract void Show(IReadOnlyList<ViewLine> view, IEnumerable<string> changes);

    /// <summary>One line about the wait itself.</summary>
    public abstract void Note(string line);

    /// <summary>Runs <paramref name="wait"/> with a display on stderr.</summary>
    public static Task<T> Run<T>(Terminal terminal, bool quiet, Func<ProgressDisplay, Task<T>> wait)
    {
        if (quiet)
            return wait(new Quiet());
        if (!terminal.LiveErr)
            return wait(new Lines(terminal));

        var console = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Out = new AnsiConsoleOutput(terminal.Err),
            Ansi = AnsiSupport.Yes,
            Interactive = InteractionSupport.Yes,
            ColorSystem = terminal.ColorErr ? ColorSystemSupport.Standard : ColorSystemSupport.NoColors,
        });
        console.Profile.Height = terminal.Height;
        console.Profile.Width = Window.Size(2)?.Columns ?? 80;
        return console.Live(new Text("")).Overflow(VerticalOverflow.Ellipsis).StartAsync(context => wait(new Live(context, terminal.Height)));
    }

    private sealed class Quiet : ProgressDisplay
    {
        public override int Height => 0;

        public override void Show(IReadOnlyList<ViewLine> view, IEnumerable<string> changes)
        {
        }

        public override void Note(string line)
        {
        }
    }

    private sealed class Lines(Terminal terminal) : ProgressDisplay
    {
        public override int Height => 0;

        public override void Show(IReadOnlyList<ViewLine> view, IEnumerable<string> changes)
        {
            foreach (var line in changes)
                terminal.Err.WriteLine(line);
        }

        public override void Note(string line) => terminal.Err.WriteLine(line);
    }

    private sealed class Live(LiveDisplayContext context, int height) : ProgressDisplay
    {
        private IReadOnlyList<ViewLine> _view = [];
        private string? _note;

        public override int Height => Math.Max(4, height - 3);

        public override void Show(IReadOnlyList<ViewLine> view, IEnumerable<string> changes)
        {
            _view = view;
            _note = null;
            Draw();
        }

        public override void Note(string line)
        {
            _note = line;
            Draw();
        }

        private void Draw()
        {
            var lines = _note is null ? _view : [.. _view, new ViewLine(_note, Tone.Bad)];
            context.UpdateTarget(new Rows(lines.Select(line => (IRenderable)new Text(line.Text, StyleOf(line.Tone)) { Overflow = Overflow.Ellipsis })));
            context.Refresh();
        }

        private static Style StyleOf(Tone tone) => tone switch
        {
            Tone.Good => new Style(Color.Green),
            Tone.Bad => new Style(Color.Red),
            Tone.Waiting => new Style(Color.Olive),
            _ => Style.Plain,
        };
    }
}
