using System.Text;
using Berth.Cli.Output.Lists;
using Berth.Protocol.V1;

namespace Berth.Cli.Output;

/// <summary>Log lines as <c>docker service logs</c> prints them: <c>web.1.8ljc1xk3t7y5@node1    | text</c>.</summary>
/// <param name="Timestamps">Whether each line begins with its time.</param>
/// <param name="Raw">Whether a line is only its text.</param>
/// <param name="NoTrunc">Whether task ids are whole.</param>
/// <param name="TaskIds">Whether there are task ids.</param>
internal sealed record LogText(bool Timestamps, bool Raw, bool NoTrunc, bool TaskIds)
{
    private static readonly string[] Colors = ["36", "33", "32", "35", "34", "96", "93", "92", "95", "94"];

    /// <summary>One line, without its end.</summary>
    public string Line(LogLine line, bool color)
    {
        var text = Encoding.UTF8.GetString(line.Text.Span);
        var time = Timestamps ? $"{line.Time?.ToDateTime() ?? default:yyyy-MM-ddTHH:mm:ss.fffffff00Z} " : "";
        if (Raw)
            return time + text;
        var id = !TaskIds ? "" : NoTrunc ? $".{line.TaskId}" : $".{Short.Id(line.TaskId)}";
        var prefix = $"{line.TaskName}{id}@{line.NodeHostname}    | ";
        return color ? $"{time}\e[{ColorOf(line.TaskId)}m{prefix}\e[0m{text}" : time + prefix + text;
    }

    /// <summary>As JSON shows it.</summary>
    public static LogLineText Json(LogLine line) => new(
        line.Time?.ToDateTime() ?? default, line.TaskName, line.TaskId, line.NodeHostname, line.Stderr ? "stderr" : "stdout",
        Encoding.UTF8.GetString(line.Text.Span));

    // The same task keeps its colour in every run.
    private static string ColorOf(string taskId) => Colors[taskId.Sum(character => character) % Colors.Length];
}
