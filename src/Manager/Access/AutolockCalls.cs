using Berth.Manager.Api;
using Berth.Manager.Keys;
using Berth.Manager.Store;
using Grpc.Core;
using V1 = Berth.Protocol.V1;

namespace Berth.Manager.Access;

/// <summary>What administrators ask about the data keys and the unlock key. Turning autolock on and off is a setting of the cluster.</summary>
internal sealed class AutolockCalls(IClusterView view, StoreGateway store, KeyRotation rotation) : V1.ClusterAdmin.ClusterAdminBase
{
    public override async Task<V1.UnlockKey> GetUnlockKey(V1.GetUnlockKeyRequest request, ServerCallContext context)
    {
        if (!request.Rotate)
            return new V1.UnlockKey { Key = view.Current.UnlockKey ?? "" };
        var (_, rotated) = await store.ExecuteAsync<CommandResults.UnlockKeyIs>(
            new Command.RotateUnlockKey(UnlockKey.Create().Format()), "berth cluster unlock-key", context.CancellationToken);
        return new V1.UnlockKey { Key = rotated.Key ?? "" };
    }

    public override async Task<V1.RotateDataKeysResponse> RotateDataKeys(V1.RotateDataKeysRequest request, ServerCallContext context) =>
        new() { KeyId = (await rotation.RunAsync(context.CancellationToken)).ToString() };

    public override Task<V1.UnlockResponse> Unlock(V1.UnlockRequest request, ServerCallContext context) =>
        throw ApiErrors.Precondition("this manager is not locked; to unlock another one, run berth cluster unlock on its host");
}
