using System.Reflection;
using Grpc.Core;
using V1 = Berth.Protocol.V1;

namespace Berth.Manager.Admin;

/// <summary>Which part of a manager answers which call of <c>ClusterAdmin</c>: the one that overrides it.</summary>
internal sealed class AdminParts
{
    /// <summary>Every call there is.</summary>
    public static IReadOnlyList<string> Calls { get; } =
        [.. V1.ClusterAdmin.Descriptor.Methods.Select(method => method.Name)];

    private readonly Dictionary<string, V1.ClusterAdmin.ClusterAdminBase> _byCall = new(StringComparer.Ordinal);

    /// <summary>Finds out what each part answers.</summary>
    /// <exception cref="InvalidOperationException">Two parts answer the same call.</exception>
    public AdminParts(IEnumerable<V1.ClusterAdmin.ClusterAdminBase> parts)
    {
        foreach (var part in parts)
        {
            foreach (var call in Calls.Where(call => Overrides(part, call)))
            {
                if (!_byCall.TryAdd(call, part))
                    throw new InvalidOperationException($"{part.GetType().Name} and {_byCall[call].GetType().Name} both answer {call}; one of them must not override it");
            }
        }
    }

    /// <summary>The part that answers <paramref name="call"/>.</summary>
    /// <exception cref="RpcException">UNIMPLEMENTED: none does.</exception>
    public V1.ClusterAdmin.ClusterAdminBase For(string call) => _byCall.TryGetValue(call, out var part)
        ? part
        : throw new RpcException(new Status(
            StatusCode.Unimplemented, $"this manager cannot answer {call}: its version has no such function; ask a manager of a newer version"));

    private static bool Overrides(V1.ClusterAdmin.ClusterAdminBase part, string call) =>
        part.GetType().GetMethod(call, BindingFlags.Public | BindingFlags.Instance)?.DeclaringType != typeof(V1.ClusterAdmin.ClusterAdminBase);
}
