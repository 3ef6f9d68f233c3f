using System.Net.Sockets;
using Berth.Cli.Client;
using Berth.Cli.Output;
using Grpc.Core;

namespace Berth.Tests.Cli.Client;

public sealed class FaultsTests
{
    private static readonly ManagerAddress Address = ManagerAddress.Parse("http://10.0.0.1:2400", "test");

    [Theory]
    [InlineData(StatusCode.InvalidArgument, "bad", "cannot create service 'web': bad", ExitCode.WrongUsage)]
    [InlineData(StatusCode.InvalidArgument, "one\ntwo", "cannot create service 'web':\n  one\n  two", ExitCode.WrongUsage)]
    [InlineData(StatusCode.NotFound, "no service 'web'", "cannot create service 'web': no service 'web'", ExitCode.Failed)]
    [InlineData(StatusCode.AlreadyExists, "it exists", "cannot create service 'web': it exists", ExitCode.Failed)]
    [InlineData(StatusCode.FailedPrecondition, "changed since", "cannot create service 'web': changed since", ExitCode.Failed)]
    [InlineData(StatusCode.Unavailable, "recovering", "cannot create service 'web' now: recovering", ExitCode.Unreachable)]
    [InlineData(StatusCode.PermissionDenied, "client 'ann' is a viewer", "not allowed to create service 'web': client 'ann' is a viewer", ExitCode.NotAllowed)]
    [InlineData(StatusCode.DeadlineExceeded, "", "cannot create service 'web': the manager at http://10.0.0.1:2400 did not answer in time; a change may still take effect", ExitCode.Unreachable)]
    [InlineData(StatusCode.Unimplemented, "", "cannot create service 'web': the manager at http://10.0.0.1:2400 does not know this call", ExitCode.Failed)]
    [InlineData(StatusCode.Internal, "boom", "cannot create service 'web': the manager failed (Internal): boom", ExitCode.Failed)]
    public void Each_status_says_what_failed_and_why(StatusCode code, string detail, string message, int exit)
    {
        var error = Faults.ToUserError(new RpcException(new Status(code, detail)), Address, "create service 'web'");

        Assert.Equal(message, error.Message);
        Assert.Equal(exit, error.Code);
    }

    [Fact]
    public void A_manager_says_what_it_knows_before_its_caller_stops_listening() =>
        Assert.True(Berth.Manager.Api.StoreGateway.DefaultPatience < ManagerClient.CallTimeout);

    [Fact]
    public void A_manager_that_dies_in_the_middle_of_an_answer_is_unreachable()
    {
        var fault = new RpcException(new Status(StatusCode.Internal, "x", new HttpIOException(HttpRequestError.ResponseEnded, "the response ended prematurely")));

        Assert.Equal(ExitCode.Unreachable, Faults.ToUserError(fault, Address, "follow services").Code);
    }

    [Fact]
    public void A_manager_that_is_away_is_unreachable()
    {
        var fault = new RpcException(new Status(StatusCode.Unavailable, "x", new HttpRequestException("x", new SocketException((int)SocketError.ConnectionRefused))));
        var error = Faults.ToUserError(fault, Address, "list services");

        Assert.Equal("no manager answers at http://10.0.0.1:2400: nobody listens there", error.Message);
        Assert.Contains("berth lab up", error.Next);
        Assert.Equal(ExitCode.Unreachable, error.Code);
    }
}
