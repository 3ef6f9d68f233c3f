using Grpc.Net.Client;

namespace Berth.Manager.Replication;

/// <summary>Connects to other managers.</summary>
public interface IPeerDialer
{
    /// <summary>A connection of its own to the manager that answers at <paramref name="url"/>; whoever asks disposes it.</summary>
    GrpcChannel Dial(string url);
}
