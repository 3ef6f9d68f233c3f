using System.CommandLine;
using System.Text.Json;
using Berth.Cli.Client.Contexts;
using Berth.Cli.Output;
using Berth.Cli.Output.Lists;

namespace Berth.Cli.Commands.Contexts;

/// <summary><c>berth context</c>: the clusters this user may ask.</summary>
internal static class ContextCommands
{
    private const string Stdout = "-";

    /// <summary>The command and those below it.</summary>
    /// <param name="context">What they work with.</param>
    /// <param name="named">The one that is run; null for all.</param>
    public static Command Build(CommandContext context, string? named) => new BerthCommand("context", "Manage the clusters that this user asks").With(named,
        ("ls", () => List(context)),
        ("use", () => Use(context)),
        ("show", () => Show(context)),
        ("create", () => Create(context)),
        ("rm", () => Remove(context)),
        ("import", () => Import(context)),
        ("export", () => Export(context)));

    private static BerthCommand List(CommandContext context)
    {
        var format = Flag.Format();
        var quiet = Flag.Switch("--quiet", "Only display names", "-q");
        return new BerthCommand("ls", "List contexts", "berth context ls", "berth context ls --format json")
            .Alias("list")
            .With(format, quiet)
            .Does((parse, _) =>
            {
                var show = parse.ListFormat(format);
                var store = context.Contexts;
                ContextLine.Listing.Print(context.Terminal, [Line(store, ContextStore.Default), .. store.Read().Contexts.Keys.Select(name => Line(store, name))], show, parse.GetValue(quiet));
                return Task.FromResult(ExitCode.Done);
            });
    }

    private static BerthCommand Use(CommandContext context)
    {
        var name = Name();
        return new BerthCommand("use", "Set the context that is asked when none is named; 'default' is this host's own manager", "berth context use prod", "berth context use default")
            .With(name)
            .Does((parse, _) =>
            {
                var chosen = parse.GetRequiredValue(name);
                context.Contexts.Use(chosen);
                context.Terminal.Out.WriteLine(chosen);
                if (context.Environment(ContextStore.Variable) is { Length: > 0 } variable && variable != chosen)
                    context.Terminal.Note($"note: {ContextStore.Variable}={variable} in this shell goes before it");
                return Task.FromResult(ExitCode.Done);
            });
    }

    private static BerthCommand Show(CommandContext context)
    {
        var name = new Argument<string?>("NAME") { Description = "Name of the context (default: the one in use)", Arity = ArgumentArity.ZeroOrOne };
        var format = Flag.Text("--format", "format", "json, or a template such as '{{.Client}}'", "-f");
        return new BerthCommand("show", "Display a context: its managers and whose certificate it shows", "berth context show", "berth context show prod --format json")
            .Alias("inspect")
            .With(format)
            .With(name)
            .Does((parse, _) =>
            {
                var show = parse.ListFormat(format);
                var store = context.Contexts;
                var line = Line(store, parse.GetValue(name) ?? InUse(context, store));
                context.Terminal.Out.Write(show switch
                {
                    ListFormat.Json => JsonText.Object(line, ListJson.Default.ContextLine),
                    ListFormat.Template template => template.Parsed.Render(JsonSerializer.SerializeToElement(line, ListJson.Default.ContextLine)) + "\n",
                    _ => $"Context: {line.Name}{(line.Current ? " (in use)" : "")}\n Managers: {string.Join(", ", line.Managers)}\n"
                        + (line.Description.Length > 0 ? $" Description: {line.Description}\n" : "")
                        + (line.Client.Length > 0 ? string.Create(System.Globalization.CultureInfo.InvariantCulture, $" Client: {line.Client}, certificate until {line.ExpiresAt:yyyy-MM-dd HH:mm:ss} UTC\n") : ""),
                });
                return Task.FromResult(ExitCode.Done);
            });
    }

    private static BerthCommand Create(CommandContext context)
    {
        var managers = Flag.List("--manager", "url", "A manager: https://HOST:PORT or unix:///PATH; repeat it for several", text => text);
        var description = Flag.Text("--description", "text", "For people");
        var from = Flag.Text("--from", "context", "Take its client certificate as well");
        var name = Name();
        return new BerthCommand("create", "Create a context without a file", "berth context create here --manager unix:///run/berth/manager.sock",
            "berth context create one --from prod --manager https://10.0.0.2")
            .With(managers, description, from)
            .With(name)
            .Does((parse, _) =>
            {
                var store = context.Contexts;
                var chosen = parse.GetRequiredValue(name);
                RequireNew(store, chosen);
                var source = parse.GetValue(from) is { } other ? store.Export(other) : new ContextBundle { BerthContext = ContextBundle.Format, Name = chosen, Managers = [] };
                store.Put(chosen, source with
                {
                    Managers = parse.GetValue(managers) is [_, ..] given ? given : source.Managers,
                    Description = parse.GetValue(description) ?? source.Description,
                });
                context.Terminal.Out.WriteLine(chosen);
                return Task.FromResult(ExitCode.Done);
            });
    }

    private static BerthCommand Remove(CommandContext context)
    {
        var names = Flag.Names("NAME", "Contexts, by name");
        return new BerthCommand("rm", "Remove one or more contexts with their keys", "berth context rm old")
            .Alias("remove")
            .With(names)
            .Does((parse, _) =>
            {
                foreach (var name in parse.GetRequiredValue(names))
                {
                    context.Contexts.Remove(name);
                    context.Terminal.Out.WriteLine(name);
                }
                return Task.FromResult(ExitCode.Done);
            });
    }

    private static BerthCommand Import(CommandContext context)
    {
        var name = Flag.Text("--name", "name", "What the context is called here (default: as the file says)");
        var force = Flag.Switch("--force", "Replace a context of that name", "-f");
        var use = Flag.Switch("--use", "Use it from now on");
        var file = new Argument<string>("FILE") { Description = "As 'berth cluster client create' or 'context export' wrote it; - is stdin" };
        return new BerthCommand("import", "Import a context with its key", "berth context import ann.berth --use", "berth context import --name prod --force ann.berth")
            .With(name, force, use)
            .With(file)
            .Does((parse, _) =>
            {
                var bundle = ReadBundle(context, parse.GetRequiredValue(file));
                var chosen = parse.GetValue(name) ?? bundle.Name;
                var store = context.Contexts;
                if (!parse.GetValue(force))
                    RequireNew(store, chosen, "berth context import FILE --force");
                store.Put(chosen, bundle);
                if (parse.GetValue(use))
                    store.Use(chosen);
                context.Terminal.Out.WriteLine(chosen);
                if (!parse.GetValue(use))
                    context.Terminal.Note($"use it from now on: berth context use {chosen}; or once: berth --context {chosen} …");
                return Task.FromResult(ExitCode.Done);
            });
    }

    private static BerthCommand Export(CommandContext context)
    {
        var output = Flag.Text("--output", "file", "The file to write (default NAME.berth); - is stdout", "-o");
        var name = Name();
        return new BerthCommand("export", "Write a context with its key into a file", "berth context export prod", "berth context export prod -o -")
            .With(output)
            .With(name)
            .Does((parse, _) =>
            {
                var chosen = parse.GetRequiredValue(name);
                var text = JsonSerializer.Serialize(context.Contexts.Export(chosen), ContextJson.Default.ContextBundle) + "\n";
                var file = parse.GetValue(output) ?? $"{chosen}.berth";
                if (file == Stdout)
                {
                    context.Terminal.Out.Write(text);
                    return Task.FromResult(ExitCode.Done);
                }
                PrivateFile.Write(file, text);
                context.Terminal.Out.WriteLine(file);
                context.Terminal.Note("it holds the client's key: hand it over as a secret");
                return Task.FromResult(ExitCode.Done);
            });
    }

    private static Argument<string> Name() => new("NAME") { Description = "Name of the context" };

    private static string InUse(CommandContext context, ContextStore store) =>
        context.Environment(ContextStore.Variable) is { Length: > 0 } variable ? variable
        : store.Read().Current is { Length: > 0 } current ? current : ContextStore.Default;

    private static void RequireNew(ContextStore store, string name, string? replace = null)
    {
        if (store.Read().Contexts.ContainsKey(name))
            throw UserError.Usage($"there is a context '{name}' already", $"choose another name{(replace is null ? " or" : $", replace it ({replace}) or")} remove it first: berth context rm {name}");
    }

    private static ContextBundle ReadBundle(CommandContext context, string file)
    {
        try
        {
            var text = file == Stdout ? context.Input.Text.ReadToEnd() : SecretInput.Document(file, "a context with its key", isSecret: true);
            var bundle = JsonSerializer.Deserialize(text, ContextJson.Default.ContextBundle) ?? throw new JsonException("it is empty");
            return bundle.BerthContext == ContextBundle.Format ? bundle
                : throw UserError.Usage($"{file} is of format {bundle.BerthContext}, and this version knows {ContextBundle.Format} only", "use a newer berth");
        }
        catch (JsonException error)
        {
            throw UserError.Usage($"{file} is no context: {error.Message}", "get one: berth cluster client create, or berth context export");
        }
    }

    private static ContextLine Line(ContextStore store, string name)
    {
        var current = store.Read().Current;
        if (name == ContextStore.Default)
            return new(name, current.Length == 0, "This host's own manager", [Client.ManagerAddress.Local.Url], "", null);
        var context = store.Get(name, "asked for");
        var (client, expires) = Identity(store, name, context);
        return new(name, current == name, context.Description, context.Managers, client, expires);
    }

    // A list shows what cannot be used as well: it is where people look when something does not work.
    private static (string Client, DateTime? ExpiresAt) Identity(ContextStore store, string name, ClusterContext context)
    {
        if (!context.HasIdentity)
            return ("", null);
        try
        {
            return store.Identity(name).Load() is { } identity ? (identity.Subject.Name, identity.Subject.NotAfter.UtcDateTime) : ("(its files are missing)", null);
        }
        catch (Exception error) when (error is InvalidDataException or IOException or UnauthorizedAccessException)
        {
            return ("(its files cannot be read)", null);
        }
    }
}
