namespace Berth.Tests.Integration.Cluster;

/// <summary>Wrong input, as people give it: a clear error, and the cluster is exactly what it was.</summary>
public sealed class BadInputTests(LabFixture fixture) : ClusterTest(fixture)
{
    [SkippableTheory]
    [InlineData("services: {web: {imag: berth/busybox:1}}", "bad.yml:1:", "imag")]
    [InlineData("services: {web: {image: berth/busybox:1, ports: ['80:80/sctp']}}", "bad.yml:1:", "mode: host")]
    [InlineData("services: {web: {image: berth/busybox:1, depends_on: [db]}}", "bad.yml:1:", "depends_on")]
    [InlineData("services: {web: {image: 'no such image!'}}", "bad.yml:1:", "image")]
    [InlineData("services: {web: {image: '${NOWHERE:?give a version}'}}", "bad.yml:1:", "give a version")]
    [InlineData("services: [web]", "bad.yml:1:", "services")]
    [InlineData("services:\n  web:\n    image: berth/busybox:1\n    deploy: {replicas: -1}", "bad.yml:4:", "replicas")]
    [InlineData("services:\n  web:\n\timage: berth/busybox:1", "bad.yml:3:", "")]
    public async Task A_wrong_file_is_refused_with_its_line(string yaml, string where, string what)
    {
        var refused = await DeployAsync("bad", yaml);

        Assert.Equal(2, refused.ExitCode);
        Assert.Contains(where, refused.Error);
        Assert.Contains(what, refused.Error);
        await NothingChangedAsync();
    }

    [SkippableTheory]
    [InlineData(2, "replicas", "service", "create", "--replicas", "-1", "berth/busybox:1")]
    [InlineData(1, "teleport", "service", "create", "--network", "teleport", "berth/busybox:1")]
    [InlineData(2, "--privileged", "service", "create", "--privileged", "berth/busybox:1")]
    [InlineData(1, "nobody", "service", "scale", "nobody=3")]
    [InlineData(1, "nobody", "service", "rm", "nobody")]
    [InlineData(1, "nobody", "service", "logs", "nobody")]
    [InlineData(1, "nobody", "stack", "rm", "nobody")]
    [InlineData(1, "nobody", "node", "update", "--availability", "drain", "nobody")]
    [InlineData(1, "nobody", "task", "exec", "nobody.1", "true")]
    [InlineData(2, "sideways", "node", "update", "--availability", "sideways", "berthtest1")]
    public async Task A_wrong_command_is_refused(int exitCode, string what, params string[] arguments)
    {
        var refused = await Berth(arguments);

        Assert.Equal(exitCode, refused.ExitCode);
        Assert.Contains(what, refused.Error);
        await NothingChangedAsync();
    }

    private async Task NothingChangedAsync()
    {
        Assert.Empty((await Fixture.BerthJson("service", "ls")).EnumerateArray());
        Assert.Empty((await Fixture.BerthJson("stack", "ls")).EnumerateArray());
    }
}
