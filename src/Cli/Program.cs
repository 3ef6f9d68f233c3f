using System.CommandLine;
using Berth.Cli.Lab;

return await new RootCommand("Berth: one cluster of many Docker hosts.") { LabCommand.Build() }.Parse(args).InvokeAsync();
