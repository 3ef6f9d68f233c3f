using Berth.Identity;
using Berth.Protocol.V1;
using Berth.Tests.Integration.Identity;
using Berth.Tests.Integration.Manager;
using Grpc.Core;
using Task = System.Threading.Tasks.Task;

namespace Berth.Tests.Integration.Attacks;

/// <summary>Names that want to be paths: refused wherever a name is given, and no file appears anywhere.</summary>
public sealed class NameTests
{
    private static readonly string[] Names = ["../../../tmp/berth-was-here", "/tmp/berth-was-here", "..", "a/../../b", "a\0b", "a\nb", "%2e%2e%2fetc", "a\\..\\b", "$(id)"];

    [Fact]
    public async Task A_name_that_wants_to_be_a_path_is_refused_in_every_call()
    {
        await using var manager = await ClusterManager.StartAsync();
        var control = manager.Process.Client;
        var token = await manager.TokenAsync();
        await control.CreateServiceAsync(new CreateServiceRequest { Spec = Specs.Service("web") });
        var before = Files(manager);
        var version = (await control.GetInfoAsync(new GetInfoRequest())).Version;

        foreach (var name in Names)
        {
            var tries = new Dictionary<string, Func<Task>>
            {
                ["a service"] = () => control.CreateServiceAsync(new CreateServiceRequest { Spec = Specs.Service(name) }).ResponseAsync,
                ["a stack"] = () => control.DeployStackAsync(Specs.Deploy(name, Specs.Service($"{name}_web"))).ResponseAsync,
                ["a stack's service"] = () => control.DeployStackAsync(Specs.Deploy("shop", Specs.Service($"shop_{name}"))).ResponseAsync,
                ["a volume"] = () => control.CreateServiceAsync(new CreateServiceRequest
                {
                    Spec = Specs.Service("x", spec => spec.Task.Container.Mounts.Add(new Mount { Type = MountType.Volume, Source = name, Target = "/data" })),
                }).ResponseAsync,
                ["a client"] = () => manager.AdmitAsync(name, "admin"),
                ["a deployer's stack"] = () => manager.AdmitAsync("dan", "deployer", name),
                ["the host that joins"] = () => Enroll(manager, token.Format(), hostname: name),
                ["the node that joins"] = () => Enroll(manager, token.Format(), node: name),
                ["removing a stack"] = () => control.RemoveStackAsync(new RemoveStackRequest { Name = name }).ResponseAsync,
                ["removing a service"] = () => control.RemoveServicesAsync(new RemoveServicesRequest { Services = { name } }).ResponseAsync,
                ["a node"] = () => control.UpdateNodeAsync(new UpdateNodeRequest { Node = name, LabelsAdd = { ["a"] = "b" } }).ResponseAsync,
                ["removing a node"] = () => manager.Admin.RemoveNodeAsync(new RemoveNodeRequest { Nodes = { name } }).ResponseAsync,
                ["removing a client"] = () => manager.Admin.RemoveClientAsync(new RemoveClientRequest { Name = name }).ResponseAsync,
                ["a store"] = () => ReadAsync(manager.Admin.MigrateStore(new MigrateStoreRequest { Store = name })),
                ["logs"] = () => ReadAsync(control.Logs(new LogsRequest { Target = name })),
            };
            foreach (var (what, call) in tries)
            {
                var refused = await Record.ExceptionAsync(call) as RpcException ?? throw new InvalidOperationException($"'{name}' was taken as {what}");
                Assert.True(
                    refused.StatusCode is StatusCode.InvalidArgument or StatusCode.NotFound or StatusCode.FailedPrecondition, $"'{name}' as {what}: {refused.Status}");
            }
        }
        Assert.Equal(version, (await control.GetInfoAsync(new GetInfoRequest())).Version);
        Assert.Equal(before, Files(manager));
        Assert.False(File.Exists("/tmp/berth-was-here"));
        // Written down as one line each, whatever was in the name.
        Assert.All(File.ReadAllLines(Path.Combine(manager.Process.DataDirectory, "audit.log")), line => Assert.StartsWith("{", line));
    }

    [SkippableFact]
    public async Task Files_that_stand_for_billions_of_values_never_get_as_far_as_a_manager()
    {
        BerthProgram.SkipUnlessPossible();
        var bombs = new Dictionary<string, string>
        {
            ["1,000,000 values"] = "x-a: &a [lol,lol,lol,lol,lol,lol,lol,lol,lol]\n"
                + string.Concat("bcdefghi".Select(c => $"x-{c}: &{c} [{string.Join(',', Enumerable.Repeat($"*{(char)(c - 1)}", 9))}]\n")) + "services: {web: {image: x, command: *i}}\n",
            ["100 levels"] = "services: " + new string('[', 50_000),
            ["10,485,760"] = "#" + new string('x', 11 << 20),
            ["contains itself"] = "services: &s\n  web: {image: x, labels: *s}\n",
        };
        var home = Directory.CreateTempSubdirectory("berth-bombs-");
        try
        {
            foreach (var (says, text) in bombs)
            {
                var file = Path.Combine(home.FullName, "bomb.yml");
                await File.WriteAllTextAsync(file, text);
                // A heap of 256 MiB is more than it may take; there is no manager at that address.
                var refused = await BerthProgram.RunAsync(
                    ["--host", "unix:///nowhere.sock", "stack", "deploy", "-c", file, "shop"], new Dictionary<string, string> { ["DOTNET_GCHeapHardLimit"] = "0x10000000" });
                Assert.True(refused.ExitCode == 2 && refused.Error.Contains(says, StringComparison.Ordinal), $"{says}: exit code {refused.ExitCode}\n{refused.Error}");
            }
        }
        finally
        {
            home.Delete(recursive: true);
        }
    }

    private static async Task Enroll(ClusterManager manager, string token, string? hostname = null, string? node = null)
    {
        using var key = System.Security.Cryptography.ECDsa.Create(System.Security.Cryptography.ECCurve.NamedCurves.nistP256);
        await new Enrollment.EnrollmentClient(manager.Dial(Joining.TrustingNobody())).EnrollAsync(new EnrollRequest
        {
            Token = token, NodeId = node ?? ClusterManager.NewNode().ToString(), Hostname = hostname ?? "h", Address = "10.0.0.9",
            SigningRequest = Google.Protobuf.ByteString.CopyFrom(SigningRequest.Make(key, "h")),
        });
    }

    private static async Task ReadAsync<T>(AsyncServerStreamingCall<T> call)
    {
        using (call)
        {
            while (await call.ResponseStream.MoveNext(CancellationToken.None))
            {
            }
        }
    }

    // Without what the manager itself writes from time to time.
    private static List<string> Files(ClusterManager manager) =>
        [.. Directory.EnumerateFileSystemEntries(Path.GetDirectoryName(manager.Process.DataDirectory)!, "*", SearchOption.AllDirectories).Where(path => !path.Contains("db-", StringComparison.Ordinal) && Path.GetFileName(path) != "managers.json").Order()];
}
