using System.Text.Json;
using Berth.Cli.Output;
using Berth.Docker;
using Berth.Protocol.V1;
using Google.Protobuf.WellKnownTypes;

namespace Berth.Tests.Shared.Docker;

/// <summary>The shapes of <c>inspect</c>, compared with what the Docker Engine API says.</summary>
public sealed class DockerJsonTests
{
    private static readonly Timestamp Noon = Timestamp.FromDateTimeOffset(new DateTimeOffset(2026, 1, 31, 12, 0, 0, TimeSpan.Zero));

    [Fact]
    public void A_service_has_dockers_shape()
    {
        var summary = new ServiceSummary
        {
            Running = 1,
            Desired = 2,
            Service = new Service
            {
                Id = "0123456789abcdefghijklmno",
                Version = 42,
                CreatedAt = Noon,
                UpdatedAt = Noon,
                Spec = new ServiceSpec
                {
                    Name = "web",
                    Labels = { ["b"] = "2", ["a"] = "1" },
                    Replicated = new ReplicatedMode { Replicas = 2 },
                    Task = new TaskSpec
                    {
                        Container = new ContainerSpec
                        {
                            Image = "nginx:1",
                            Args = { "serve" },
                            Env = { "A=<1>" },
                            StopGracePeriodNs = 10_000_000_000,
                            Mounts = { new Mount { Type = MountType.Volume, Source = "data", Target = "/data", ReadOnly = true } },
                            Healthcheck = new Healthcheck { Test = { "CMD-SHELL", "check" }, IntervalNs = 1_000_000_000, Retries = 3 },
                        },
                        Limits = new Limits { NanoCpus = 500_000_000, MemoryBytes = 64 << 20 },
                        Restart = new RestartPolicy { Condition = RestartCondition.OnFailure, DelayNs = 5_000_000_000 },
                        Placement = new Placement { Constraints = { "node.role==worker" }, Spread = { "node.labels.zone" } },
                        Network = NetworkMode.Host,
                        Ports = { new PortConfig { Target = 80, Published = 8080 } },
                    },
                    Update = new UpdateConfig { Parallelism = 1, MonitorNs = 5_000_000_000, Order = UpdateOrder.StopFirst },
                },
                Rollout = new Rollout { State = RolloutState.Completed, StartedAt = Noon, CompletedAt = Noon, Message = "update completed" },
            },
        };

        Assert.Equal("""
            {
                "ID": "0123456789abcdefghijklmno",
                "Version": {
                    "Index": 42
                },
                "CreatedAt": "2026-01-31T12:00:00Z",
                "UpdatedAt": "2026-01-31T12:00:00Z",
                "Spec": {
                    "Name": "web",
                    "Labels": {
                        "a": "1",
                        "b": "2"
                    },
                    "TaskTemplate": {
                        "ContainerSpec": {
                            "Image": "nginx:1",
                            "Args": [
                                "serve"
                            ],
                            "Env": [
                                "A=<1>"
                            ],
                            "Mounts": [
                                {
                                    "Type": "volume",
                                    "Source": "data",
                                    "Target": "/data",
                                    "ReadOnly": true
                                }
                            ],
                            "StopGracePeriod": 10000000000,
                            "Healthcheck": {
                                "Test": [
                                    "CMD-SHELL",
                                    "check"
                                ],
                                "Interval": 1000000000,
                                "Retries": 3
                            }
                        },
                        "Resources": {
                            "Limits": {
                                "NanoCPUs": 500000000,
                                "MemoryBytes": 67108864
                            }
                        },
                        "RestartPolicy": {
                            "Condition": "on-failure",
                            "Delay": 5000000000,
                            "MaxAttempts": 0
                        },
                        "Placement": {
                            "Constraints": [
                                "node.role==worker"
                            ],
                            "Preferences": [
                                {
                                    "Spread": {
                                        "SpreadDescriptor": "node.labels.zone"
                                    }
                                }
                            ]
                        },
                        "Networks": [
                            {
                                "Target": "host"
                            }
                        ],
                        "ForceUpdate": 0,
                        "Runtime": "container"
                    },
                    "Mode": {
                        "Replicated": {
                            "Replicas": 2
                        }
                    },
                    "UpdateConfig": {
                        "Parallelism": 1,
                        "FailureAction": "pause",
                        "Monitor": 5000000000,
                        "MaxFailureRatio": 0,
                        "Order": "stop-first"
                    },
                    "EndpointSpec": {
                        "Ports": [
                            {
                                "Protocol": "tcp",
                                "TargetPort": 80,
                                "PublishedPort": 8080,
                                "PublishMode": "host"
                            }
                        ]
                    }
                },
                "Endpoint": {
                    "Spec": {
                        "Ports": [
                            {
                                "Protocol": "tcp",
                                "TargetPort": 80,
                                "PublishedPort": 8080,
                                "PublishMode": "host"
                            }
                        ]
                    },
                    "Ports": [
                        {
                            "Protocol": "tcp",
                            "TargetPort": 80,
                            "PublishedPort": 8080,
                            "PublishMode": "host"
                        }
                    ]
                },
                "UpdateStatus": {
                    "State": "completed",
                    "StartedAt": "2026-01-31T12:00:00Z",
                    "CompletedAt": "2026-01-31T12:00:00Z",
                    "Message": "update completed"
                },
                "ServiceStatus": {
                    "RunningTasks": 1,
                    "DesiredTasks": 2
                }
            }

            """, JsonText.Object(summary.ToDocker(), DockerJson.Default.DockerService));
    }

    [Theory]
    [InlineData("stopped", "scaled down", "stopped: scaled down")]
    [InlineData("stopped", "", "stopped")]
    [InlineData("stopped before it was placed: scaled down", "scaled down", "stopped before it was placed: scaled down")]
    [InlineData("", "scaled down", "scaled down")]
    public void A_task_that_was_told_to_stop_says_why_in_its_message(string message, string reason, string shown)
    {
        var task = new Berth.Protocol.V1.Task
        {
            Spec = new TaskSpec { Container = new ContainerSpec { Image = "web:1" } },
            Status = new Berth.Protocol.V1.TaskStatus { State = TaskState.Shutdown, Message = message },
            StopReason = reason,
        };

        Assert.Equal(shown, new TaskRow { Task = task }.ToDocker().Status.Message);
    }

    [Fact]
    public void A_task_and_a_node_have_dockers_words()
    {
        var task = new TaskRow
        {
            Name = "web.1",
            Task = new Berth.Protocol.V1.Task
            {
                Id = "t",
                ServiceId = "s",
                Slot = 1,
                NodeId = "n",
                DesiredState = TaskState.Shutdown,
                Spec = new TaskSpec { Container = new ContainerSpec { Image = "web:1" } },
                Status = new Berth.Protocol.V1.TaskStatus { State = TaskState.Failed, Timestamp = Noon, Message = "started", Err = "task: non-zero exit (1)", ContainerId = "c", ExitCode = 1 },
            },
        }.ToDocker();
        var node = new NodeSummary
        {
            Node = new Node
            {
                Id = "n",
                Spec = new NodeSpec { Availability = NodeAvailability.Drain, Role = NodeRole.Manager },
                Description = new NodeDescription { Hostname = "berth1", Address = "10.0.0.1", Os = "linux", Architecture = "x86_64", Capacity = new Resources { NanoCpus = 2_000_000_000 } },
                Status = new NodeStatus { State = NodeState.Down, Message = "silent for 3 s" },
            },
        }.ToDocker();

        Assert.Equal(("shutdown", "failed", "task: non-zero exit (1)", 1), (task.DesiredState, task.Status.State, task.Status.Err, task.Status.ContainerStatus?.ExitCode));
        Assert.Equal(("manager", "drain", "down", "10.0.0.1"), (node.Spec.Role, node.Spec.Availability, node.Status.State, node.Status.Addr));
        Assert.Contains("\"NanoCPUs\":2000000000", JsonSerializer.Serialize(node, DockerJson.Default.DockerNode));
    }
}
