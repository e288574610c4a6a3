using Tidemark.Cli.Arguments;

namespace Tidemark.Cli.Commands;

/// <summary>The help of the program and of its commands, made from their declarations so that it cannot tell anything else.</summary>
internal static class HelpText
{
    private const int WidthMax = 100;

    /// <summary>The help of the program.</summary>
    public static void Write(TextWriter output, IEnumerable<Command> commands)
    {
        output.WriteLine("Tidemark replicates SQLite databases to other storage and restores them.");
        output.WriteLine();
        output.WriteLine("Usage: tidemark COMMAND [flags] [arguments]");
        output.WriteLine();
        output.WriteLine("Commands:");
        WriteColumns(output, commands.Where(command => !command.IsHidden).Select(command => (command.Name, command.Summary)));
        output.WriteLine();
        output.WriteLine("tidemark help COMMAND tells all about one of them.");
    }

    /// <summary>The help of one command.</summary>
    public static void Write(TextWriter output, Command command)
    {
        var lead = "Usage: ";
        foreach (var form in command.Forms)
        {
            output.WriteLine($"{lead}tidemark {command.Name} {form}".TrimEnd());
            lead = "       ";
        }

        output.WriteLine();
        output.WriteLine($"{command.Summary}.");
        if (command.Description.Length > 0)
        {
            output.WriteLine();
            output.WriteLine(command.Description);
        }

        if (command.Flags.Flags.Count > 0)
        {
            output.WriteLine();
            output.WriteLine("Flags, with one dash or two, before or after the arguments:");
            WriteColumns(output, command.Flags.Flags.Select(flag => (Heading(flag), flag.Help)));
        }

        if (command.Examples.Count > 0)
        {
            output.WriteLine();
            output.WriteLine("Examples:");
            foreach (var example in command.Examples)
            {
                output.WriteLine($"  {example}");
            }
        }
    }

    private static string Heading(Flag flag) => flag.IsSwitch ? $"-{flag.Name}" : $"-{flag.Name} {flag.ValueName}";

    private static void WriteColumns(TextWriter output, IEnumerable<(string Heading, string Text)> rows)
    {
        var list = rows.ToList();
        var width = list.Max(row => row.Heading.Length) + 4;
        foreach (var (heading, text) in list)
        {
            var line = $"  {heading}".PadRight(width);
            foreach (var word in text.Split(' '))
            {
                if (line.Length + 1 + word.Length > WidthMax)
                {
                    output.WriteLine(line);
                    line = new string(' ', width) + word;
                }
                else
                {
                    line += line.EndsWith(' ') && line.Length == width ? word : $" {word}";
                }
            }

            output.WriteLine(line);
        }
    }
}
