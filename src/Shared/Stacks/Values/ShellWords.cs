using System.Text;
using Berth.Model;

namespace Berth.Stacks.Values;

/// <summary>Splits a command line into words as Docker does: quotes and backslashes, no variables, no globbing.</summary>
public static class ShellWords
{
    /// <summary>Splits <paramref name="text"/>.</summary>
    /// <param name="text">Such as <c>sh -c 'echo a b'</c>.</param>
    /// <param name="words">Its words; empty when it is refused.</param>
    /// <param name="comment">What was left out: from a <c>#</c> that begins a word to the end of its line, as Docker does.</param>
    /// <param name="error">Why it was refused; null when it was not.</param>
    public static bool TrySplit(string text, out ValueList<string> words, out string? comment, out string? error)
    {
        (words, comment, error) = (default, null, null);
        var found = new List<string>();
        StringBuilder? word = null;
        for (var at = 0; at < text.Length; at++)
        {
            switch (text[at])
            {
                case ' ' or '\t' or '\r' or '\n':
                    Finish(found, ref word);
                    break;
                case '#' when word is null:
                    var end = text.IndexOf('\n', at);
                    comment = text[at..(end < 0 ? text.Length : end)];
                    at = (end < 0 ? text.Length : end) - 1;
                    break;
                case '\\':
                    if (++at == text.Length)
                        return Refuse("the backslash at its end escapes nothing", out error);
                    (word ??= new StringBuilder()).Append(text[at]);
                    break;
                case '\'' or '"':
                    if (!TryReadQuoted(text, ref at, word ??= new StringBuilder()))
                        return Refuse($"the quote {text[at]} is never closed", out error);
                    break;
                case var other:
                    (word ??= new StringBuilder()).Append(other);
                    break;
            }
        }
        Finish(found, ref word);
        words = found.ToValueList();
        return true;
    }

    private static void Finish(List<string> found, ref StringBuilder? word)
    {
        if (word is not null)
            found.Add(word.ToString());
        word = null;
    }

    private static bool Refuse(string reason, out string? error)
    {
        error = reason;
        return false;
    }

    // Leaves `at` on the closing quote, or on the opening one when there is none.
    private static bool TryReadQuoted(string text, ref int at, StringBuilder word)
    {
        var quote = text[at];
        for (var i = at + 1; i < text.Length; i++)
        {
            if (text[i] == quote)
            {
                at = i;
                return true;
            }
            if (quote == '"' && text[i] == '\\' && ++i == text.Length)
                return false;
            word.Append(text[i]);
        }
        return false;
    }
}
