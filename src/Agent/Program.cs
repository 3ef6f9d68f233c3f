using Berth.Agent.Hosting;

if (args is ["--help" or "-h"])
{
    Console.WriteLine(AgentOptions.Help);
    return 0;
}

if (args is ["--version"])
{
    Console.WriteLine($"berth-agent {AgentHost.Version}");
    return 0;
}

var (options, errors) = AgentOptions.Parse(args, Environment.GetEnvironmentVariable);
if (options is null)
{
    var format = AgentOptions.LogFormatOf(args, Environment.GetEnvironmentVariable);
    foreach (var error in errors)
        StderrLog.Refuse(error, format, TimeProvider.System);
    return 2;
}
return await AgentHost.RunAsync(options);
