namespace Berth.Cli.Output;

/// <summary>How a line of progress is coloured.</summary>
internal enum Tone
{
    /// <summary>As it is.</summary>
    Plain,

    /// <summary>Under way: quiet.</summary>
    Waiting,

    /// <summary>As wanted.</summary>
    Good,

    /// <summary>Failed.</summary>
    Bad,
}

/// <summary>One line of a live view.</summary>
/// <param name="Text">Without colour.</param>
/// <param name="Tone">Its colour.</param>
internal sealed record ViewLine(string Text, Tone Tone = Tone.Plain);
