using System.Text;

namespace Berth.Stacks.Values;

/// <summary>What stands for variables in a text: <c>$V</c>, <c>${V}</c>, <c>${V:-default}</c>, <c>${V-default}</c>,
/// <c>${V:?message}</c>, <c>${V?message}</c>, and <c>$$</c> for a dollar. Defaults may hold variables themselves.</summary>
internal sealed class VariableTemplate
{
    /// <summary>Deepest nesting of variables in defaults.</summary>
    public const int DeepestLevel = 20;

    // Of one text; more of them say nothing new.
    private const int MostFindings = 20;

    private readonly string _text;
    private readonly IReadOnlyDictionary<string, string> _variables;
    private readonly List<Finding> _findings = [];
    private int _at;

    private VariableTemplate(string text, IReadOnlyDictionary<string, string> variables) => (_text, _variables) = (text, variables);

    /// <summary>Something about the text.</summary>
    /// <param name="At">Index of the dollar it is about.</param>
    /// <param name="IsError">Whether the text cannot be used.</param>
    /// <param name="Message">What it is.</param>
    /// <param name="Next">What to do.</param>
    public sealed record Finding(int At, bool IsError, string Message, string Next);

    /// <summary>Replaces what stands for variables.</summary>
    public static (string Text, IReadOnlyList<Finding> Findings) Expand(string text, IReadOnlyDictionary<string, string> variables)
    {
        if (!text.Contains('$'))
            return (text, []);
        var template = new VariableTemplate(text, variables);
        var expanded = template.ReadUntil(closing: null, level: 0, isUsed: true);
        return (expanded, template._findings);
    }

    // Reads literal text and variables up to `closing` (not consumed) or the end.
    private string ReadUntil(char? closing, int level, bool isUsed)
    {
        var result = new StringBuilder();
        while (_at < _text.Length && _text[_at] != closing)
        {
            if (_text[_at] != '$')
                result.Append(_text[_at++]);
            else if (_at + 1 < _text.Length && _text[_at + 1] == '$')
            {
                result.Append('$');
                _at += 2;
            }
            else
                result.Append(ReadVariable(level, isUsed));
        }
        return result.ToString();
    }

    private string ReadVariable(int level, bool isUsed)
    {
        var start = _at++;
        var isBraced = _at < _text.Length && _text[_at] == '{';
        if (isBraced)
            _at++;
        var name = ReadName();
        if (name.Length == 0)
            return Invalid(start);
        if (!isBraced)
            return Value(name, start, isUsed);
        if (level >= DeepestLevel)
            return Invalid(start);

        var (operation, isSoft) = ReadOperation();
        var argument = operation is '-' or '?' ? ReadUntil('}', level + 1, isUsed && !IsSet(name, isSoft)) : "";
        if (operation == ' ' || _at >= _text.Length || _text[_at] != '}')
            return Invalid(start);
        _at++;
        if (operation == '}')
            return Value(name, start, isUsed);
        if (IsSet(name, isSoft))
            return _variables[name];
        if (operation == '?' && isUsed)
        {
            var (state, reason) = (_variables.ContainsKey(name) ? "empty" : "not set", argument.Length > 0 ? argument : "the file requires it");
            Find(new Finding(start, true, $"the variable {name} is {state}: {reason}", $"set it, such as: {name}=VALUE berth stack deploy ..."));
        }
        return operation == '-' ? argument : "";
    }

    private string ReadName()
    {
        var start = _at;
        while (_at < _text.Length && (_text[_at] == '_' || char.IsAsciiLetter(_text[_at]) || (_at > start && char.IsAsciiDigit(_text[_at]))))
            _at++;
        return _text[start.._at];
    }

    // '}' for none, '-' or '?' as written, ' ' for anything else; soft with a colon: an empty value counts as none.
    private (char Operation, bool IsSoft) ReadOperation()
    {
        if (_at < _text.Length && _text[_at] == '}')
            return ('}', false);
        var isSoft = _at < _text.Length && _text[_at] == ':';
        if (isSoft)
            _at++;
        if (_at < _text.Length && _text[_at] is '-' or '?')
            return (_text[_at++], isSoft);
        return (' ', isSoft);
    }

    private bool IsSet(string name, bool isSoft) => _variables.TryGetValue(name, out var value) && !(isSoft && value.Length == 0);

    private string Value(string name, int start, bool isUsed)
    {
        if (_variables.TryGetValue(name, out var value))
            return value;
        if (isUsed)
            Find(new Finding(start, false, $"the variable {name} is not set; nothing is written in its place", $"set it, or write ${{{name}:-DEFAULT}}"));
        return "";
    }

    private string Invalid(int start)
    {
        var shown = _text.AsSpan(start, Math.Min(40, _text.Length - start));
        var end = shown.IndexOfAny(" \n}");
        Find(new Finding(start, true, $"'{shown[..(end < 0 ? shown.Length : end + 1)].Trim()}' is not a variable",
            "write ${NAME}, ${NAME:-default} or ${NAME:?message}; for a dollar sign write $$"));
        _at = Math.Max(_at, start + 1);
        return "";
    }

    private void Find(Finding finding)
    {
        if (_findings.Count < MostFindings)
            _findings.Add(finding);
    }
}
