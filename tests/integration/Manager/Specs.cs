using Berth.Protocol.V1;

namespace Berth.Tests.Integration.Manager;

/// <summary>Specs that show only what a test is about.</summary>
internal static class Specs
{
    /// <summary>A service that no manager has to start a task for.</summary>
    public static ServiceSpec Service(string name, Action<ServiceSpec>? edit = null)
    {
        var spec = new ServiceSpec
        {
            Name = name,
            Task = new TaskSpec { Container = new ContainerSpec { Image = "web:1" } },
            Replicated = new ReplicatedMode { Replicas = 0 },
        };
        edit?.Invoke(spec);
        return spec;
    }

    public static DeployStackRequest Deploy(string name, params ServiceSpec[] services) =>
        new() { Spec = new StackSpec { Name = name, Services = { services } } };
}
