using Berth.Runc;

return Wrapper.Run(args);
