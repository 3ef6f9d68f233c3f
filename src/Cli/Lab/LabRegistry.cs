using Berth.Cli.Output;

namespace Berth.Cli.Lab;

/// <summary>Debian's docker-registry on the lab's switch, reachable from every host as registry.lab:5000.</summary>
internal static class LabRegistry
{
    private const int Port = 5000;

    public static Uri Address(LabRecord lab) => new($"http://{lab.Network.Switch}:{Port}/");

    public static bool IsRunning(LabRecord lab) => Cgroups.Processes(lab.SwitchCgroup).Any(HostProcesses.IsAlive);

    public static async Task UpAsync(LabRecord lab, CancellationToken cancel)
    {
        if (IsRunning(lab))
            return;
        var folder = Path.Combine(lab.Directory, "registry");
        LabStore.MakePrivate(Path.Combine(folder, "data"));
        var config = Path.Combine(folder, "config.yml");
        await File.WriteAllTextAsync(config, $$"""
            version: 0.1
            log:
              level: warn
            storage:
              filesystem:
                rootdirectory: {{folder}}/data
              delete:
                enabled: true
            http:
              addr: {{lab.Network.Switch}}:{{Port}}
              secret: lab

            """, cancel);
        const string Start = """
            net=$1 folder=$2; shift 2
            exec </dev/null >>"$folder/registry.log" 2>&1
            for procs; do echo $BASHPID >"$procs"; done
            exec setsid nsenter --net="$net" docker-registry serve "$folder/config.yml"
            """;
        using var process = Tool.Start("bash", ["-c", Start, "registry", lab.SwitchNamespace, folder, .. Cgroups.Make(lab.SwitchCgroup)]);
        if (!await Tool.UntilAsync(stop => AnswersAsync(lab, stop), TimeSpan.FromSeconds(10), cancel))
            throw new UserError($"the lab's registry did not start: {LabHost.LastLine(Path.Combine(folder, "registry.log"))}",
                $"read {folder}/registry.log");
    }

    public static async Task<bool> AnswersAsync(LabRecord lab, CancellationToken cancel)
    {
        using var http = new HttpClient(new SocketsHttpHandler { UseProxy = false }) { Timeout = TimeSpan.FromSeconds(1) };
        try
        {
            using var answer = await http.GetAsync(new Uri(Address(lab), "v2/"), cancel);
            return answer.IsSuccessStatusCode;
        }
        catch (Exception error) when (error is HttpRequestException or OperationCanceledException && !cancel.IsCancellationRequested)
        {
            return false;
        }
    }
}
