using System.Text.Json;
using System.Text.RegularExpressions;
using Berth.Cli.Output;
using Berth.Identity;

namespace Berth.Cli.Client.Contexts;

/// <summary>The clusters this user may ask: <c>contexts.json</c> in the user's folder, and a folder of keys for each.</summary>
/// <param name="folder">Such as <c>/root/.config/berth</c>; made with mode 0700 when something is stored.</param>
internal sealed partial class ContextStore(string folder)
{
    /// <summary>Names the context to use.</summary>
    public const string Variable = "BERTH_CONTEXT";

    /// <summary>This host's own manager, which needs no context.</summary>
    public const string Default = "default";

    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    private const int LongestName = 63;

    private ContextFile? _file;

    /// <summary>Where contexts are kept.</summary>
    public string FilePath { get; } = Path.Combine(folder, "contexts.json");

    /// <summary>The store of the user this process runs as.</summary>
    public static ContextStore OfUser(Func<string, string?> environment)
    {
        if (environment("XDG_CONFIG_HOME") is { Length: > 0 } configuration && configuration.StartsWith('/'))
            return new ContextStore(Path.Combine(configuration, "berth"));
        var home = environment("HOME") is { Length: > 0 } own ? own : "/root";
        return new ContextStore(Path.Combine(home, ".config", "berth"));
    }

    /// <summary>Everything stored; empty when nothing is.</summary>
    /// <exception cref="UserError">The file cannot be read.</exception>
    public ContextFile Read()
    {
        if (_file is not null)
            return _file;
        try
        {
            if (!File.Exists(FilePath))
                return _file = new ContextFile();
            return _file = JsonSerializer.Deserialize(File.ReadAllText(FilePath), ContextJson.Default.ContextFile) ?? new ContextFile();
        }
        catch (Exception error) when (error is JsonException or IOException or UnauthorizedAccessException)
        {
            throw new UserError($"contexts cannot be read from {FilePath}: {error.Message}", "restore the file, or move it away and import the contexts again", ExitCode.WrongUsage);
        }
    }

    /// <summary>A context by name.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="source">Where the name was given, for the error.</param>
    /// <exception cref="UserError">There is none.</exception>
    public ClusterContext Get(string name, string source) => Read().Contexts.TryGetValue(name, out var context) ? context : throw UserError.Usage(
        $"there is no context '{name}' ({source})",
        Read().Contexts.Count > 0 ? $"there is: {string.Join(", ", Read().Contexts.Keys)}; or import one: berth context import FILE" : "import one: berth context import FILE");

    /// <summary>The key and certificate of a context.</summary>
    public IdentityFiles Identity(string name) => new(Path.Combine(folder, "contexts", name), "client");

    /// <summary>Stores a context, with a key where the bundle has one.</summary>
    /// <exception cref="UserError">The name or the identity cannot be used.</exception>
    public void Put(string name, ContextBundle bundle)
    {
        CheckName(name);
        if (bundle.Managers.Count == 0)
            throw UserError.Usage($"context '{name}' names no manager", "give one at least, such as --manager https://10.0.0.1:2400");
        foreach (var manager in bundle.Managers)
            ManagerAddress.Parse(manager, $"context '{name}'");
        var hasIdentity = bundle.Key.Length > 0;
        if (hasIdentity)
            SaveIdentity(name, bundle);
        var file = Read();
        file.Contexts[name] = new ClusterContext { Managers = bundle.Managers, Description = bundle.Description, HasIdentity = hasIdentity };
        Write(file);
    }

    /// <summary>A context with its key, to be carried elsewhere.</summary>
    public ContextBundle Export(string name)
    {
        var context = Get(name, "to export");
        var files = Identity(name);
        return new ContextBundle
        {
            BerthContext = ContextBundle.Format,
            Name = name,
            Managers = context.Managers,
            Description = context.Description,
            Certificate = context.HasIdentity ? File.ReadAllText(files.CertificatePath) : "",
            Authority = context.HasIdentity ? File.ReadAllText(files.RootsPath) : "",
            Key = context.HasIdentity ? File.ReadAllText(files.KeyPath) : "",
        };
    }

    /// <summary>Makes a context the one that is used; <see cref="Default"/> is this host's own manager.</summary>
    public void Use(string name)
    {
        if (name != Default)
            Get(name, "to use");
        Write(Read() with { Current = name == Default ? "" : name });
    }

    /// <summary>Forgets a context and its key.</summary>
    public void Remove(string name)
    {
        Get(name, "to remove");
        var file = Read();
        file.Contexts.Remove(name);
        Write(file.Current == name ? file with { Current = "" } : file);
        var files = Identity(name);
        if (!Directory.Exists(files.Directory))
            return;
        files.Remove();
        if (!Directory.EnumerateFileSystemEntries(files.Directory).Any())
            Directory.Delete(files.Directory);
    }

    /// <exception cref="UserError">It cannot name a context.</exception>
    public static void CheckName(string name)
    {
        if (name == Default)
            throw UserError.Usage($"a context cannot be called '{Default}': that is this host's own manager", "choose another name");
        if (name.Length > LongestName || !NamePattern().IsMatch(name))
            throw UserError.Usage($"'{name}' cannot name a context", $"use at most {LongestName} letters, digits, dots, dashes and underscores, beginning with a letter or digit");
    }

    private void SaveIdentity(string name, ContextBundle bundle)
    {
        var files = Identity(name);
        try
        {
            ProcessIdentity.Read(bundle.Certificate, bundle.Key, bundle.Authority);
            Private(files.Directory);
            files.Remove();
            WritePrivate(files.KeyPath, bundle.Key);
            files.Save(bundle.Certificate, bundle.Authority);
        }
        catch (FormatException error)
        {
            throw UserError.Usage($"the identity of context '{name}' cannot be used: {error.Message}", "get a new one: berth cluster client create");
        }
    }

    private void Write(ContextFile file)
    {
        Private(folder);
        WritePrivate(FilePath, JsonSerializer.Serialize(file, ContextJson.Default.ContextFile) + "\n");
        _file = file;
    }

    private static void Private(string path) => Directory.CreateDirectory(path, OwnerOnly | UnixFileMode.UserExecute);

    private static void WritePrivate(string path, string text) => PrivateFile.Write(path, text);

    [GeneratedRegex("^[A-Za-z0-9][A-Za-z0-9._-]*$")]
    private static partial Regex NamePattern();
}
