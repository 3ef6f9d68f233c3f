using System.CommandLine;
using Berth.Cli.Output;
using Berth.Cli.Output.Lists;

namespace Berth.Cli.Commands;

/// <summary>What commands that change services print on stdout.</summary>
internal static class Changes
{
    /// <summary>The lines of people, or one JSON array of what changed.</summary>
    /// <param name="context">Where to.</param>
    /// <param name="format">What <c>--format</c> says.</param>
    /// <param name="changes">What was done.</param>
    /// <param name="text">Docker's line for a change.</param>
    public static void Print(CommandContext context, ListFormat format, IReadOnlyList<ChangeLine> changes, Func<ChangeLine, string> text)
    {
        if (format is ListFormat.Table)
        {
            foreach (var change in changes)
                context.Terminal.Out.WriteLine(text(change));
            return;
        }
        new Listing<ChangeLine>([], change => change.ID, () => ListJson.Default.ChangeLine).Print(context.Terminal, changes, format);
    }

    /// <summary>The <c>--format</c> of these commands.</summary>
    public static Option<string?> Format() => Flag.Text("--format", "format", "json or a template; what was changed goes to stdout");
}
