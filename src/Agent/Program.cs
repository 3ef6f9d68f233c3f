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
    foreach (var error in errors)
        Console.Error.WriteLine($"error: {error}");
    return 2;
}
return await AgentHost.RunAsync(options);
