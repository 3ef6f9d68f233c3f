using Berth.Protocol.V1;
using Google.Protobuf.WellKnownTypes;

namespace Berth.Tests.Cli.Output;

/// <summary>Messages as a manager sends them, with only what a test is about.</summary>
internal static class Rows
{
    public static DateTimeOffset Now { get; } = new(2026, 1, 31, 12, 0, 0, TimeSpan.Zero);

    public static TaskRow Task(string name, TaskState state, string node = "", string err = "", string message = "", string id = "", int agoSeconds = 0,
        TaskState desired = TaskState.Running, string image = "web:1", int? exitCode = null, params PortConfig[] ports)
    {
        var status = new Berth.Protocol.V1.TaskStatus
        {
            State = state,
            Err = err,
            Message = message,
            Timestamp = Timestamp.FromDateTimeOffset(Now.AddSeconds(-agoSeconds)),
            Ports = { ports },
        };
        if (exitCode is { } code)
            status.ExitCode = code;
        return new TaskRow
        {
            Name = name,
            ServiceName = name.Split('.')[0],
            NodeHostname = node,
            Task = new Berth.Protocol.V1.Task
            {
                Id = id.Length > 0 ? id : $"{name}-id",
                Slot = int.Parse(name.Split('.')[1], System.Globalization.CultureInfo.InvariantCulture),
                NodeId = node.Length > 0 ? $"{node}-id" : "",
                DesiredState = desired,
                Spec = new TaskSpec { Container = new ContainerSpec { Image = image } },
                Status = status,
            },
        };
    }

    public static ServiceProgress Service(ServiceProgress.Types.Verdict verdict, int running, int desired, params TaskRow[] tasks) => new()
    {
        Id = "web-id",
        Name = "web",
        Verdict = verdict,
        Running = running,
        Desired = desired,
        Updated = running,
        Tasks = { tasks },
    };

    public static ServicesProgress Of(params ServiceProgress[] services) => new() { Services = { services } };
}
