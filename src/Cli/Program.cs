using Berth.Cli.Commands;
using Berth.Cli.Lab;

var context = CommandContext.OfProcess();
return await BerthCli.Run(BerthCli.Build(context, LineWords.Of(args), ("lab", LabCommand.Build)), args, context);
