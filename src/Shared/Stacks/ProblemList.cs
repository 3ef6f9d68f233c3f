using System.Globalization;
using Berth.Model;
using Berth.Stacks.Yaml;

namespace Berth.Stacks;

/// <summary>Gathers problems, so that one run shows all of them.</summary>
internal sealed class ProblemList
{
    /// <summary>Problems shown of one stack; a file of another kind would otherwise fill the screen.</summary>
    public const int MostShown = 100;

    private readonly List<StackFileProblem> _problems = [];
    private readonly List<StackFileProblem> _warnings = [];
    // What an anchor holds is read once per alias; its problem is still one problem.
    private readonly HashSet<(Place, string)> _known = [];
    private int _notShown;

    /// <summary>Whether nothing is wrong so far.</summary>
    public bool IsEmpty => _problems.Count == 0;

    /// <summary>Notes what is wrong.</summary>
    public void Add(Place place, string path, string message, string next)
    {
        if (!_known.Add((place, message)))
            return;
        if (_problems.Count < MostShown)
            _problems.Add(new StackFileProblem(place.File, place.Line, place.Column, path, message, next));
        else
            _notShown++;
    }

    /// <summary>Notes what may not be meant.</summary>
    public void Warn(Place place, string path, string message, string next)
    {
        if (_known.Add((place, message)) && _warnings.Count < MostShown)
            _warnings.Add(new StackFileProblem(place.File, place.Line, place.Column, path, message, next));
    }

    /// <summary>Whether a problem is noted at <paramref name="path"/>, above it within its service, below it, or elsewhere in the same list.</summary>
    public bool Touches(string path)
    {
        var list = path.IndexOf('[') is var at && at < 0 ? path : path[..at];
        return _notShown > 0 || _problems.Any(problem => IsWithin(problem.Path, list) || (IsWithin(list, problem.Path) && problem.Path.Count(c => c == '.') > 1));
    }

    /// <summary>All problems by file (in the order given), line and column.</summary>
    public ValueList<StackFileProblem> Problems(IReadOnlyList<string> files)
    {
        var sorted = Sorted(_problems, files).ToList();
        if (_notShown > 0)
        {
            var last = sorted[^1];
            sorted.Add(last with
            {
                Path = "",
                Message = string.Create(CultureInfo.InvariantCulture, $"{_notShown} more problems are not shown"),
                Next = "repair those above first",
            });
        }
        return sorted.ToValueList();
    }

    /// <summary>All warnings, in the same order.</summary>
    public ValueList<StackFileProblem> Warnings(IReadOnlyList<string> files) => Sorted(_warnings, files).ToValueList();

    private static bool IsWithin(string path, string outer) =>
        path.StartsWith(outer, StringComparison.Ordinal) && (path.Length == outer.Length || path[outer.Length] is '.' or '[');

    private static IOrderedEnumerable<StackFileProblem> Sorted(IEnumerable<StackFileProblem> problems, IReadOnlyList<string> files)
    {
        var order = files.Distinct().Select((file, at) => (file, at)).ToDictionary(pair => pair.file, pair => pair.at);
        return problems.OrderBy(problem => order.GetValueOrDefault(problem.File))
            .ThenBy(problem => problem.Line).ThenBy(problem => problem.Column);
    }
}
