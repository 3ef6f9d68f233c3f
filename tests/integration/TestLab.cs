using System.Text.Json;

namespace Berth.Tests.Integration;

/// <summary>A lab of a test's own, gone when disposed.</summary>
public sealed class TestLab(string name) : IAsyncDisposable
{
    private static readonly SemaphoreSlim ImagesAtOnce = new(1);

    public string Name => name;

    /// <summary>How <c>berth</c> on this machine reaches the lab's managers, for <c>--host</c> or BERTH_HOST.</summary>
    public string Host { get; private set; } = "";

    /// <summary>The newest <c>lab status</c>; see <see cref="RefreshAsync"/>.</summary>
    public JsonElement Status { get; private set; }

    /// <summary>Makes the lab and waits until every node is ready.</summary>
    public static async Task<TestLab> UpAsync(string name, params string[] arguments)
    {
        BerthProgram.SkipUnlessPossible();
        var lab = new TestLab(name);
        await lab.DownAsync();
        (await BerthProgram.RunAsync(["lab", "up", "--name", name, .. arguments], limit: TimeSpan.FromMinutes(3))).Succeeded();
        await lab.RefreshAsync();
        return lab;
    }

    /// <summary>Runs a verb of <c>berth lab</c> on this lab and fails the test if it fails.</summary>
    public async Task<CommandResult> LabAsync(params string[] arguments) =>
        (await BerthProgram.RunAsync(["lab", arguments[0], "--name", name, .. arguments[1..]])).Succeeded();

    /// <summary>Runs a program on a host and returns what it prints; the test fails if it fails.</summary>
    public async Task<string> ExecAsync(int host, params string[] command) =>
        (await BerthProgram.RunAsync(["lab", "exec", "--name", name, HostName(host), "--", .. command])).Succeeded().Output;

    /// <summary>Runs <c>berth</c> against this lab's manager; the result may be a failure.</summary>
    public Task<CommandResult> Berth(params string[] arguments) => Berth(null, arguments);

    public Task<CommandResult> Berth(IReadOnlyDictionary<string, string>? environment, params string[] arguments) =>
        BerthProgram.RunAsync(arguments, new Dictionary<string, string>(environment ?? new Dictionary<string, string>()) { ["BERTH_HOST"] = Host }, TimeSpan.FromMinutes(4));

    /// <summary>Runs <c>berth … --format json</c> and parses what it prints.</summary>
    public async Task<JsonElement> BerthJson(params string[] arguments) => (await Berth([.. arguments, "--format", "json"])).Json();

    public string HostName(int number) => name + number;

    public string Address(int number) => HostStatus(number).GetProperty("address").GetString()!;

    public string EngineSocket(int number) => HostStatus(number).GetProperty("engine_socket").GetString()!;

    /// <summary>A field of the newest status of a host, such as <c>agent_pid</c>; null when nothing runs.</summary>
    public int? Pid(int number, string field) =>
        HostStatus(number).GetProperty(field) is { ValueKind: JsonValueKind.Number } value ? value.GetInt32() : null;

    public JsonElement HostStatus(int number) => Status.GetProperty("hosts")[number - 1];

    public int Hosts => Status.GetProperty("hosts").GetArrayLength();

    public async Task RefreshAsync()
    {
        Status = (await LabAsync("status", "--format", "json")).Json();
        Host = Status.GetProperty("berth_host").GetString()!;
    }

    /// <summary>Builds the sample images when they are out of date, and loads them into every engine.</summary>
    public async Task LoadImagesAsync() => await LabAsync("load", Path.Combine(await BuildImagesAsync(), "all.tar"));

    /// <summary>Sends a sample image, for example <c>hello-1</c> as <c>berth/hello:1</c>, to registry.lab:5000.</summary>
    public async Task PushImageAsync(string file, string reference) =>
        await LabAsync("push", Path.Combine(await BuildImagesAsync(), file + ".tar"), "registry.lab:5000/" + reference);

    public async Task DownAsync() => (await BerthProgram.RunAsync(["lab", "down", "--name", name])).Succeeded();

    public async ValueTask DisposeAsync() => await DownAsync();

    private static async Task<string> BuildImagesAsync()
    {
        await ImagesAtOnce.WaitAsync();
        try
        {
            (await BerthProgram.RunToolAsync(Path.Combine(BerthProgram.Root, "samples/images/build.sh"), [BerthProgram.Images])).Succeeded();
            return BerthProgram.Images;
        }
        finally
        {
            ImagesAtOnce.Release();
        }
    }
}
