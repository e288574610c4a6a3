using Tidemark.Cli;
using Tidemark.Cli.Processes;

StandardDescriptors.Secure(args);
return await CommandLine.RunAsync(args, CommandHost.ForProcess());
