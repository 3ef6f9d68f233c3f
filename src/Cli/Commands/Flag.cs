using System.CommandLine;
using Berth.Cli.Output;

namespace Berth.Cli.Commands;

/// <summary>Makes options whose values are read once, here; each error names the flag, the value and the reason.</summary>
internal static class Flag
{
    /// <summary>A switch; <c>--x=false</c> turns it off.</summary>
    public static Option<bool> Switch(string name, string help, params string[] aliases) => new(name, aliases) { Description = help };

    /// <summary>A text as it is.</summary>
    public static Option<string?> Text(string name, string valueName, string help, params string[] aliases) =>
        new(name, aliases) { Description = help, HelpName = valueName };

    /// <summary>A value that <paramref name="read"/> understands; null when the flag is not given.</summary>
    /// <param name="read">Throws <see cref="FormatException"/> with the reason and what to write instead.</param>
    public static Option<T?> Value<T>(string name, string valueName, string help, Func<string, T> read, params string[] aliases)
        where T : struct => new(name, aliases)
        {
            Description = help,
            HelpName = valueName,
            CustomParser = result =>
            {
                // None, when the word that follows is no value that the flag's type takes: it is an argument then, and refused as that.
                if (result.Tokens is not [{ Value: var text }, ..])
                {
                    result.AddError($"{name}: write {valueName}");
                    return null;
                }
                try
                {
                    return read(text);
                }
                catch (FormatException error)
                {
                    result.AddError($"{name} '{text}': {error.Message}");
                    return null;
                }
            },
        };

    /// <summary>A list: the flag is repeated for each value.</summary>
    /// <param name="read">Throws <see cref="FormatException"/> with the reason and what to write instead.</param>
    public static Option<T[]> List<T>(string name, string valueName, string help, Func<string, T> read, params string[] aliases) =>
        new(name, aliases)
        {
            Description = help,
            HelpName = valueName,
            Arity = ArgumentArity.OneOrMore,
            DefaultValueFactory = _ => [],
            CustomParser = result =>
            {
                var values = new List<T>();
                foreach (var token in result.Tokens)
                {
                    try
                    {
                        values.Add(read(token.Value));
                    }
                    catch (FormatException error)
                    {
                        result.AddError($"{name} '{token.Value}': {error.Message}");
                    }
                }
                return [.. values];
            },
        };

    /// <summary>One of a few words.</summary>
    public static Option<T?> Choice<T>(string name, string help, params (string Word, T Value)[] choices)
        where T : struct
    {
        var words = string.Join('|', choices.Select(choice => choice.Word));
        var option = Value(name, words, help, text =>
        {
            foreach (var (word, value) in choices)
            {
                if (word == text)
                    return value;
            }
            throw new FormatException($"write one of {words.Replace("|", ", ", StringComparison.Ordinal)}");
        });
        option.CompletionSources.Clear();
        option.CompletionSources.Add([.. choices.Select(choice => choice.Word)]);
        return option;
    }

    /// <summary>A Docker flag that Berth does not have: refused wherever it is given, never ignored.</summary>
    /// <param name="name">Such as <c>--secret</c>.</param>
    /// <param name="why">Why not, and what to do instead.</param>
    public static Option<string[]> Unsupported(string name, string why)
    {
        var option = new Option<string[]>(name) { Hidden = true, Arity = new ArgumentArity(0, 100), DefaultValueFactory = _ => [] };
        option.Validators.Add(result =>
        {
            if (!result.Implicit)
                result.AddError($"{name} is not supported: {why}");
        });
        return option;
    }

    /// <summary>Whether the flag stands on the command line.</summary>
    public static bool Given(this ParseResult parse, Option option) => parse.GetResult(option) is { Implicit: false };

    /// <summary>The names that follow a command, such as services; one at least.</summary>
    public static Argument<string[]> Names(string name, string help) =>
        new(name) { Description = help, Arity = ArgumentArity.OneOrMore };

    /// <summary>The <c>--format</c> of commands that list.</summary>
    public static Option<string?> Format() => Text("--format", "format", "table, json, or a template such as '{{.ID}} {{.Name}}'");

    /// <summary>Reads <c>--format</c>.</summary>
    public static ListFormat ListFormat(this ParseResult parse, Option<string?> format) => Output.ListFormat.Parse(parse.GetValue(format));
}
