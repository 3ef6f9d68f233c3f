using System.Globalization;
using Berth.Model;

namespace Berth.Agent.Network;

/// <summary>Names of what the agent makes in a host's network; the kernel takes 15 characters.</summary>
public static class InterfaceNames
{
    /// <summary>The host's ends of all containers' veths begin with it, and nothing else does.</summary>
    public const string VethPrefix = "bv";

    /// <summary>The one VXLAN device.</summary>
    public const string Overlay = "berth0";

    // Of an id's 128 random bits the last ten digits hold more than 51; its first digits hold few.
    private const int TaskDigits = 10;

    /// <summary>The host's end of a task's veth.</summary>
    /// <param name="task">The task.</param>
    /// <param name="index">Which of its networks, from 0; <c>eth</c> and this is the container's end.</param>
    public static string Veth(TaskId task, int index) =>
        string.Create(CultureInfo.InvariantCulture, $"{VethPrefix}{task.ToString()[^TaskDigits..]}.{index}");

    /// <summary>The container's end.</summary>
    public static string Inside(int index) => string.Create(CultureInfo.InvariantCulture, $"eth{index}");
}
