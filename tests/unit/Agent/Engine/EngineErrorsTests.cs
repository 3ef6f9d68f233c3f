using System.Net;
using Berth.Agent.Engine;

namespace Berth.Tests.Agent.Engine;

public sealed class EngineErrorsTests
{
    // Texts as dockerd 20.10 gave them.
    [Theory]
    [InlineData("manifest for web:9 not found: manifest unknown: manifest unknown", EngineFault.Refused)]
    [InlineData("Head \"http://r/v2/web/manifests/1\": no basic auth credentials", EngineFault.Refused)]
    [InlineData("pull access denied for nosuch, repository does not exist or may require 'docker login'", EngineFault.Refused)]
    [InlineData("no matching manifest for linux/amd64 in the manifest list entries", EngineFault.Refused)]
    [InlineData("Get \"http://127.0.0.1:5999/v2/\": dial tcp 127.0.0.1:5999: connect: connection refused", EngineFault.Temporary)]
    [InlineData("Get \"https://registry-1.docker.io/v2/\": dial tcp: lookup registry-1.docker.io: no such host", EngineFault.Temporary)]
    [InlineData("toomanyrequests: You have reached your pull rate limit", EngineFault.Temporary)]
    [InlineData("net/http: TLS handshake timeout", EngineFault.Temporary)]
    [InlineData("invalid reference format", EngineFault.Refused)]
    public void A_failed_pull_is_tried_again_only_where_that_can_help(string text, EngineFault expected)
    {
        var error = EngineErrors.Pull("web:9", $"{{\"message\":\"{text.Replace("\"", "\\\"", StringComparison.Ordinal)}\"}}");
        Assert.Equal(expected, error.Fault);
        Assert.StartsWith("pull image 'web:9': ", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_bad_command_reads_without_the_engines_layers()
    {
        const string text = "{\"message\":\"failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process: exec: \\\"nosuch\\\": executable file not found in $PATH: unknown\"}";
        Assert.Equal("start container: exec: \"nosuch\": executable file not found in $PATH", EngineErrors.Start(HttpStatusCode.BadRequest, text).Message);
    }

    [Fact]
    public void A_taken_port_is_told_apart() =>
        Assert.Equal(EngineFault.PortTaken, EngineErrors.Start(
            HttpStatusCode.InternalServerError, "driver failed programming external connectivity on endpoint web: Bind for 0.0.0.0:80 failed: port is already allocated").Fault);

    [Fact]
    public void A_missing_image_is_told_apart() =>
        Assert.Equal(EngineFault.ImageMissing, EngineErrors.Create("web:1", HttpStatusCode.NotFound, "{\"message\":\"No such image: web:1\"}").Fault);

    [Theory]
    [InlineData("web", "web", "latest")]
    [InlineData("web:2", "web", "2")]
    [InlineData("registry:5000/team/web", "registry:5000/team/web", "latest")]
    [InlineData("registry:5000/web:2", "registry:5000/web", "2")]
    [InlineData("web@sha256:ab", "web", "sha256:ab")]
    [InlineData("r:5000/web:2@sha256:ab", "r:5000/web", "sha256:ab")]
    public void A_reference_always_has_one_tag_or_digest(string image, string repository, string tag) =>
        Assert.Equal(new ImageReference(repository, tag), ImageReference.Parse(image));

    [Theory]
    [InlineData("1.41", "1.12", "1.41")]
    [InlineData("1.99", "1.24", "1.51")]
    public void The_api_version_is_the_newest_both_know(string newest, string oldest, string agreed) =>
        Assert.Equal(agreed, DockerEngine.Agree(newest, oldest).ToString());

    [Theory]
    [InlineData("1.30", "1.12")]
    [InlineData("1.99", "1.60")]
    public void An_engine_too_old_or_too_new_is_refused_with_what_to_do(string newest, string oldest) =>
        Assert.Contains("update", Assert.Throws<EngineException>(() => DockerEngine.Agree(newest, oldest)).Message, StringComparison.Ordinal);
}
