using Berth.Manager.Access;
using Berth.Protocol.V1;
using Google.Protobuf;

namespace Berth.Tests.Manager.Access;

public sealed class UnknownFieldsTests
{
    // Field 2047, a number of value 1: nobody has it.
    private static readonly byte[] Newer = [0xF8, 0x7F, 0x01];

    private static DeployStackRequest Known => new()
    {
        Spec = new StackSpec { Name = "shop", Services = { new ServiceSpec { Name = "shop_web", Labels = { ["a"] = "b" }, Replicated = new ReplicatedMode { Replicas = 3 } } } },
    };

    [Fact]
    public void What_is_known_passes()
    {
        Assert.Null(UnknownFields.Problem(Known, 2));
        Assert.Null(UnknownFields.Problem(new GetInfoRequest(), 2));
    }

    [Fact]
    public void A_newer_wish_is_refused_however_deep_it_stands()
    {
        var inSpec = Known;
        inSpec.Spec.Services[0] = ServiceSpec.Parser.ParseFrom([.. inSpec.Spec.Services[0].ToByteArray(), .. Newer]);
        foreach (var request in new IMessage[] { inSpec, GetInfoRequest.Parser.ParseFrom(Newer), DeployStackRequest.Parser.ParseFrom([.. Known.ToByteArray(), .. Newer]) })
            Assert.StartsWith($"the {request.Descriptor.Name} asks for something that this manager (release level 2) does not know", UnknownFields.Problem(request, 2));
    }
}
