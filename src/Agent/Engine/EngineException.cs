namespace Berth.Agent.Engine;

/// <summary>Why an engine did not do what it was asked.</summary>
public enum EngineFault
{
    /// <summary>It cannot be reached, or broke off: whether the work was done is unknown, and its list will tell.</summary>
    Unavailable = 0,
    /// <summary>The image is not on this host.</summary>
    ImageMissing = 1,
    /// <summary>The container is not on this host.</summary>
    NotFound = 2,
    /// <summary>Asking again may help: a registry that does not answer, an engine short of something.</summary>
    Temporary = 3,
    /// <summary>Asking again for the same will fail again.</summary>
    Refused = 4,
    /// <summary>A published port is taken on this host.</summary>
    PortTaken = 5,
}

/// <summary>The engine failed or refused. The message is for people and holds no environment values.</summary>
public sealed class EngineException(EngineFault fault, string message, Exception? inner = null) : Exception(message, inner)
{
    /// <summary>Why.</summary>
    public EngineFault Fault { get; } = fault;
}
