using Berth.Manager.Hosting;

return await ManagerHost.RunAsync(args);
