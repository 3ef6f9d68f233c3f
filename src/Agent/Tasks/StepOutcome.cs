using Berth.Agent.Engine;
using Berth.Model;
using Berth.Model.Networks;

namespace Berth.Agent.Tasks;

/// <summary>What came of a step. Closed: the cases below are all there are.</summary>
public abstract record StepOutcome
{
    private StepOutcome() { }

    /// <summary>The container exists.</summary>
    public sealed record Created(string Container) : StepOutcome
    {
        /// <summary>Its addresses in networks of the cluster.</summary>
        public ValueList<TaskAddress> Addresses { get; init; }
    }

    /// <summary>The engine was asked (also right after a start).</summary>
    public sealed record Inspected(ContainerFacts? Facts) : StepOutcome;

    /// <summary>The container was told to stop and has ended.</summary>
    /// <param name="Facts">What is true of it now; null when it is gone.</param>
    /// <param name="Took">From the stop signal to its end.</param>
    public sealed record Stopped(ContainerFacts? Facts, TimeSpan Took) : StepOutcome;

    /// <summary>The container is deleted.</summary>
    public sealed record Removed : StepOutcome;

    /// <summary>The engine failed or refused.</summary>
    /// <param name="Fault">Why.</param>
    /// <param name="Reason">For people.</param>
    /// <param name="ExitCode">The exit code the engine gave a container it could not start.</param>
    public sealed record Failed(EngineFault Fault, string Reason, int? ExitCode = null) : StepOutcome;

    /// <summary>Given up before it began, because something else is wanted now.</summary>
    public sealed record Cancelled : StepOutcome;
}
