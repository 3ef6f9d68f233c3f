using System.CommandLine;

namespace Berth.Cli.Commands;

/// <summary>What an argument names.</summary>
internal enum Named
{
    /// <summary>A service.</summary>
    Service,

    /// <summary>A node.</summary>
    Node,

    /// <summary>A stack.</summary>
    Stack,

    /// <summary>A network.</summary>
    Network,

    /// <summary>A task.</summary>
    Task,

    /// <summary>A service or a task.</summary>
    ServiceOrTask,
}

/// <summary>An argument whose values are names in the cluster; the shell's completion asks a manager for them.</summary>
internal interface INaming
{
    /// <summary>What it names.</summary>
    Named Kind { get; }
}

/// <summary>Arguments that name things of the cluster.</summary>
internal static class Naming
{
    private const string HowNamed = "Name, id or unique beginning of an id";

    /// <summary>One service.</summary>
    public static Argument<string> Service() => new NamingArgument<string>("SERVICE", Named.Service) { Description = HowNamed };

    /// <summary>Some services.</summary>
    public static Argument<string[]> Services() => Many("SERVICE", Named.Service, HowNamed);

    /// <summary>One node.</summary>
    public static Argument<string> Node() => new NamingArgument<string>("NODE", Named.Node) { Description = "Host name, id or unique beginning of an id" };

    /// <summary>Some nodes.</summary>
    public static Argument<string[]> Nodes() => Many("NODE", Named.Node, "Host name, id or unique beginning of an id");

    /// <summary>One stack.</summary>
    public static Argument<string> Stack() => new NamingArgument<string>("STACK", Named.Stack) { Description = "Name of the stack" };

    /// <summary>Some stacks.</summary>
    public static Argument<string[]> Stacks() => Many("STACK", Named.Stack, "Name of the stack");

    /// <summary>Some networks.</summary>
    public static Argument<string[]> Networks() => Many("NETWORK", Named.Network, HowNamed);

    /// <summary>Some tasks.</summary>
    public static Argument<string[]> Tasks() => Many("TASK", Named.Task, "Id, unique beginning of an id, or SERVICE.SLOT");

    /// <summary>A service or a task.</summary>
    public static Argument<string> ServiceOrTask() =>
        new NamingArgument<string>("SERVICE|TASK", Named.ServiceOrTask) { Description = "Service, task id or SERVICE.SLOT" };

    /// <summary>A task, and a command for its container: everything after the task belongs to the command.</summary>
    public static Argument<string[]> TaskAndCommand() => new NamingArgument<string[]>("TASK COMMAND [ARG...]", Named.Task)
    {
        Description = "Task id or SERVICE.SLOT, then the command",
        Arity = new ArgumentArity(2, 100_000),
        CaptureRemainingTokens = true,
    };

    private static NamingArgument<string[]> Many(string name, Named kind, string help) =>
        new(name, kind) { Description = help, Arity = ArgumentArity.OneOrMore };

    private sealed class NamingArgument<T>(string name, Named kind) : Argument<T>(name), INaming
    {
        public Named Kind => kind;
    }
}
