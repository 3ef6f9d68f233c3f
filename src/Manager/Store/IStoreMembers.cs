using System.Collections.Immutable;
using Berth.Model;

namespace Berth.Manager.Store;

/// <summary>How the managers' shares of the store are; for <c>cluster status</c>.</summary>
public interface IStoreMembers
{
    /// <summary>Where the state is kept now: sqlite, postgres or etcd.</summary>
    string Kind { get; }

    /// <summary>Each manager's share as it was last seen, as ManagerStatus.store_member says it; empty where the store is not etcd.</summary>
    ImmutableDictionary<NodeId, string> States { get; }

    /// <summary>What a person should know about the number of managers; empty when all is well.</summary>
    ImmutableArray<string> Advice { get; }
}
