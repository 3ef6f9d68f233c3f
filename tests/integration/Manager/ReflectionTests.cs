using System.Text;
using Grpc.Core;

namespace Berth.Tests.Integration.Manager;

/// <summary>Tools that know no proto of ours (grpcurl and its like) can ask a manager what it understands.</summary>
public sealed class ReflectionTests
{
    private static readonly Marshaller<byte[]> Bytes = Marshallers.Create(bytes => bytes, bytes => bytes);

    private static readonly Method<byte[], byte[]> Reflect = new(
        MethodType.DuplexStreaming, "grpc.reflection.v1alpha.ServerReflection", "ServerReflectionInfo", Bytes, Bytes);

    [Theory]
    [InlineData("berth.v1.Control")]
    [InlineData("berth.v1.ClusterAdmin")]
    [InlineData("berth.v1.Dispatcher")]
    [InlineData("grpc.health.v1.Health")]
    public async Task Reflection_names_every_service(string service)
    {
        // ServerReflectionRequest { list_services: "" }
        byte[] listServices = [0x3A, 0x00];
        await using var manager = await ManagerProcess.StartNewAsync();
        using var call = manager.Channel.CreateCallInvoker().AsyncDuplexStreamingCall(
            Reflect, null, new CallOptions(deadline: CallDeadline.In(30)));

        await call.RequestStream.WriteAsync(listServices);
        Assert.True(await call.ResponseStream.MoveNext(CancellationToken.None));

        Assert.Contains(service, Encoding.UTF8.GetString(call.ResponseStream.Current));
    }
}
