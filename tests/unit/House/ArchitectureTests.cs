using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace Berth.Tests.House;

/// <summary>Which folder may use which: docs/architecture.md says why.</summary>
public sealed class ArchitectureTests
{
    private const string Model = "Berth.Model";
    private const string Protocol = "Berth.Protocol";
    private const string Stacks = "Berth.Stacks";
    private const string Identity = "Berth.Identity";
    private const string Telemetry = "Berth.Telemetry";
    private const string Consul = "Berth.Consul";
    private const string DockerJson = "Berth.Docker";

    // Folder under src → what it may use besides itself and the model. A folder that is not listed fails the test.
    private static readonly Dictionary<string, string[]> Allowed = new()
    {
        ["Shared/Model"] = [],
        ["Shared/Stacks"] = [],
        ["Shared/Protocol"] = [],
        ["Shared/Docker"] = [Protocol],
        ["Shared/Identity"] = [Protocol],
        ["Shared/Telemetry"] = [],
        ["Shared/Consul"] = [],
        ["Manager/Keys"] = [Protocol, Identity],
        ["Manager/Store"] = ["Berth.Manager.Keys", Protocol, Identity, Telemetry],
        ["Manager/Journals"] = ["Berth.Manager.Store", Protocol],
        ["Manager/Members"] = ["Berth.Manager.Store", "Berth.Manager.Journals", "Berth.Manager.Leadership", "Berth.Manager.Api", Protocol, Identity],
        ["Manager/Updates"] = ["Berth.Manager.Store"],
        ["Manager/Orchestration"] = ["Berth.Manager.Store", "Berth.Manager.Updates", Telemetry],
        ["Manager/Scheduling"] = ["Berth.Manager.Store", Telemetry],
        ["Manager/Networks"] = ["Berth.Manager.Store", Protocol],
        ["Manager/Nodes"] = ["Berth.Manager.Store", Telemetry],
        ["Manager/Leadership"] = ["Berth.Manager.Store", Telemetry],
        ["Manager/Replication"] = ["Berth.Manager.Access", "Berth.Manager.Store", "Berth.Manager.Leadership", "Berth.Manager.Nodes", Protocol],
        ["Manager/Dispatch"] = ["Berth.Manager.Store", "Berth.Manager.Networks", "Berth.Manager.Nodes", Identity, Protocol],
        ["Manager/Api"] = ["Berth.Manager.Store", "Berth.Manager.Updates", "Berth.Manager.Orchestration", "Berth.Manager.Dispatch", Protocol, Telemetry],
        ["Manager/Admin"] = ["Berth.Manager.Api", "Berth.Manager.Store", Protocol],
        ["Manager/Access"] = ["Berth.Manager.Store", "Berth.Manager.Keys", "Berth.Manager.Api", "Berth.Manager.Identity", "Berth.Manager.Leadership", "Berth.Identity", Protocol, Telemetry],
        ["Manager/Identity"] = ["Berth.Manager.Keys", "Berth.Manager.Admin", "Berth.Manager.Api", "Berth.Manager.Store", "Berth.Manager.Leadership", Protocol, Identity],
        ["Manager/Backups"] = ["Berth.Manager.Store", "Berth.Manager.Api", "Berth.Manager.Keys", Protocol],
        ["Manager/Peers"] = ["Berth.Manager.Dispatch", "Berth.Manager.Leadership", "Berth.Manager.Identity", "Berth.Manager.Store", Protocol, Telemetry],
        ["Manager/Gossip"] = ["Berth.Manager.Peers", "Berth.Manager.Leadership", "Berth.Manager.Store", Identity, Telemetry],
        ["Manager/Forwarding"] = ["Berth.Manager.Access", "Berth.Manager.Store", "Berth.Manager.Leadership", Identity, Protocol, Telemetry],
        ["Manager/Observability"] = ["Berth.Manager.Store", "Berth.Manager.Leadership", "Berth.Manager.Scheduling", "Berth.Manager.Dispatch", "Berth.Manager.Replication", "Berth.Manager.Peers", Identity, Telemetry, "Berth.Manager.Access", "Berth.Manager.Admin", "Berth.Manager.Api", "Berth.Manager.Identity", Protocol],
        ["Manager/Discovery"] = ["Berth.Manager.Store", Consul],
        ["Manager/Hosting"] = ["Berth.Manager", Protocol, Identity, Telemetry, Consul],
        ["Agent/Engine"] = [Telemetry],
        ["Agent/Network"] = [Telemetry],
        ["Agent/Balance"] = ["Berth.Agent.Network", Telemetry],
        ["Agent/Names"] = ["Berth.Agent.Network", Telemetry],
        ["Agent/Tasks"] = ["Berth.Agent.Engine", "Berth.Agent.Network", Telemetry],
        ["Agent/Membership"] = [Protocol, Identity],
        ["Agent/Session"] = ["Berth.Agent.Membership", "Berth.Agent.Tasks", "Berth.Agent.Engine", "Berth.Agent.Network", Protocol, Identity, Telemetry, Consul],
        ["Agent/Hosting"] = ["Berth.Agent", Protocol, Identity, Telemetry, Consul],
        ["Cli/Host"] = ["Berth.Cli.Client", "Berth.Cli.Output", Identity],
        ["Cli/Commands"] = ["Berth.Cli.Client", "Berth.Cli.Host", "Berth.Cli.Output", Protocol, Stacks, DockerJson, Identity, Consul, Telemetry],
        ["Cli/Client"] = ["Berth.Cli.Output", Protocol, Identity, Consul, Telemetry],
        ["Cli/Output"] = [Protocol, DockerJson, Identity],
        ["Cli/Lab"] = ["Berth.Cli.Output"],
    };

    [Fact]
    public void Folders_use_only_what_the_architecture_allows()
    {
        var wrong = from source in SourceTree.Sources
                    let folder = Folder(source.Path)
                    where folder is not null
                    from used in Used(source.Syntax)
                    where !IsAllowed(folder, used)
                    select $"{source.Path} uses {used}, which {folder} may not";

        Assert.Empty(wrong.Distinct());
    }

    [Fact]
    public void Every_folder_has_its_place_in_the_architecture()
    {
        var unknown = SourceTree.Sources.Select(source => Folder(source.Path)).OfType<string>().Distinct()
            .Where(folder => !Allowed.ContainsKey(folder));

        Assert.Empty(unknown);
    }

    [Fact]
    public void Manager_agent_and_cli_reference_shared_and_never_one_another()
    {
        foreach (var project in SourceTree.Files("src", "*.csproj"))
        {
            var references = SourceTree.Read(project).Split('\n').Where(line => line.Contains("<ProjectReference")).ToList();
            Assert.All(references, line => Assert.Contains("../Shared/Shared.csproj", line));
        }
    }

    [Fact]
    public void Every_project_is_in_the_solution()
    {
        var solution = SourceTree.Read("Cluster.sln").Replace('\\', '/');
        foreach (var project in SourceTree.Files("src", "*.csproj").Concat(SourceTree.Files("tests", "*.csproj")).Concat(SourceTree.Files("bench", "*.csproj")))
            Assert.Contains(project, solution);
    }

    // src/Manager/Store/X.cs → Manager/Store; files directly in a project's folder (Program.cs) may use everything.
    private static string? Folder(string path)
    {
        var parts = path.Split('/');
        return parts.Length >= 4 ? $"{parts[1]}/{parts[2]}" : null;
    }

    private static bool IsAllowed(string folder, string used)
    {
        var own = folder.StartsWith("Shared/", StringComparison.Ordinal)
            ? "Berth." + folder["Shared/".Length..]
            : "Berth." + folder.Replace('/', '.');
        return Allowed.TryGetValue(folder, out var allowed)
            && allowed.Append(own).Append(Model).Any(name => used == name || used.StartsWith(name + ".", StringComparison.Ordinal));
    }

    private static IEnumerable<string> Used(CompilationUnitSyntax file)
    {
        foreach (var import in file.DescendantNodes().OfType<UsingDirectiveSyntax>())
        {
            var name = import.NamespaceOrType.ToString();
            if (name.StartsWith("Berth.", StringComparison.Ordinal))
                yield return name;
        }
    }
}
