using System.Net;
using Berth.Manager.Access;
using Berth.Manager.Forwarding;
using Berth.Manager.Leadership;
using Berth.Manager.Store;
using Berth.Model;
using Berth.Protocol.V1;
using Grpc.Core;
using Grpc.Net.Client;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Task = System.Threading.Tasks.Task;

namespace Berth.Tests.Manager.Forwarding;

/// <summary>A real server on loopback whose calls go through <see cref="CallForwarding"/>; what leads is up to the test.</summary>
internal sealed class TestManager : IAsyncDisposable
{
    /// <summary>Of every manager that a test starts; the leader that others follow has another one.</summary>
    public static readonly NodeId Me = NodeId.Parse("b000000000000000000000002");

    private readonly WebApplication _app;
    private readonly GrpcChannel _channel;

    private TestManager(WebApplication app, Lead lead, ClusterView view, Answers answers)
    {
        (_app, Lead, View, Answers) = (app, lead, view, answers);
        Url = app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single();
        _channel = GrpcChannel.ForAddress(Url);
    }

    public string Url { get; }

    public Lead Lead { get; }

    public ClusterView View { get; }

    public Answers Answers { get; }

    public Control.ControlClient Control => new(_channel);

    public ClusterAdmin.ClusterAdminClient Admin => new(_channel);

    public Enrollment.EnrollmentClient Enrollment => new(_channel);

    public static async Task<TestManager> StartAsync(string caller)
    {
        var (lead, view, answers) = (new Lead(), new ClusterView(), new Answers());
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0, listen => listen.Protocols = HttpProtocols.Http2));
        builder.Services.AddGrpc();
        builder.Services.AddForwarding(null).AddSingleton<ILeadership>(lead).AddSingleton(view).AddSingleton(new Callers(caller, trustsOpenNetwork: true))
            .AddSingleton(TimeProvider.System).AddSingleton(new LeadershipOptions { Me = Me })
            .AddSingleton(answers).AddSingleton(new AdminAnswers(answers));
        var app = builder.Build();
        app.UseForwarding();
        app.MapGrpcService<Answers>();
        app.MapGrpcService<AdminAnswers>();
        await app.StartAsync();
        return new TestManager(app, lead, view, answers);
    }

    /// <summary>Everybody follows this one from now on.</summary>
    public void Takes(long epoch, params TestManager[] others)
    {
        var record = new LeaderRecord(epoch, NodeId.Parse("a000000000000000000000001"), Url, 0);
        Lead.Become(record, isLeading: true);
        foreach (var other in others)
            other.Lead.Become(record, isLeading: false);
    }

    /// <summary>Ends as a killed process does, in the middle of its calls.</summary>
    public async Task DieAsync()
    {
        using var atOnce = new CancellationTokenSource(0);
        await _app.StopAsync(atOnce.Token);
    }

    public async ValueTask DisposeAsync()
    {
        _channel.Dispose();
        await DieAsync();
        await _app.DisposeAsync();
    }
}

/// <summary>Who leads, as a test says.</summary>
internal sealed class Lead : ILeadership
{
    private TaskCompletionSource _changed = New();
    private bool _isLeading;
    private int _looked;

    /// <summary>How often somebody looked whether this one leads: a call that waits for a leader looks again and again.</summary>
    public int Looked => Volatile.Read(ref _looked);

    public LeaderRecord Current { get; private set; } = LeaderRecord.None;

    public bool IsLeading
    {
        get
        {
            Interlocked.Increment(ref _looked);
            return _isLeading;
        }
    }

    public bool HasValidLease { get; set; } = true;

    public Task Changed => _changed.Task;

    public void LookNow()
    {
    }

    public void Become(LeaderRecord record, bool isLeading)
    {
        (Current, _isLeading) = (record, isLeading);
        Interlocked.Exchange(ref _changed, New()).SetResult();
    }

    private static TaskCompletionSource New() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}

/// <summary>Answers calls as a test says, and counts them.</summary>
internal sealed class Answers : Control.ControlBase
{
    private int _asked;

    public int Asked => Volatile.Read(ref _asked);

    public Func<ServerCallContext, Task> Before { get; set; } = _ => Task.CompletedTask;

    public override async Task<RemoveStackResponse> RemoveStack(RemoveStackRequest request, ServerCallContext context)
    {
        await AskAsync(context);
        return new RemoveStackResponse { Services = { new ServiceChange { Name = request.Name } } };
    }

    public override async Task<ListStacksResponse> ListStacks(ListStacksRequest request, ServerCallContext context)
    {
        await AskAsync(context);
        return new ListStacksResponse { Stacks = { new StackSummary { Services = Asked } } };
    }

    public async Task AskAsync(ServerCallContext context)
    {
        Interlocked.Increment(ref _asked);
        await Before(context);
    }
}

/// <summary>A stream from the leader.</summary>
internal sealed class AdminAnswers(Answers answers) : ClusterAdmin.ClusterAdminBase
{
    public override async Task Backup(BackupRequest request, IServerStreamWriter<BackupChunk> responseStream, ServerCallContext context)
    {
        await answers.AskAsync(context);
        for (byte part = 0; part < 3; part++)
            await responseStream.WriteAsync(new BackupChunk { Data = Google.Protobuf.ByteString.CopyFrom(part) });
        throw new RpcException(new Status(StatusCode.DataLoss, "the end, 100 % told"), new Metadata { { "why", "a trailer" } });
    }
}
