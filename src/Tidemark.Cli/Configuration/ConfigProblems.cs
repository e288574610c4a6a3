namespace Tidemark.Cli.Configuration;

/// <summary>What is wrong in a configuration file, collected so that a person sees all of it at once.</summary>
internal sealed class ConfigProblems(string file)
{
    private readonly List<string> _errors = [];
    private readonly List<string> _warnings = [];

    /// <summary>What has no effect although it is written; not fatal.</summary>
    public IReadOnlyList<string> Warnings => _warnings;

    /// <summary>Notes a fault that makes the file unusable.</summary>
    public void Error(long line, string key, string problem) => _errors.Add(Describe(line, key, problem));

    /// <summary>Notes something without effect.</summary>
    public void Warning(long line, string key, string problem) => _warnings.Add(Describe(line, key, problem));

    /// <summary>Throws when there was an error.</summary>
    /// <exception cref="ConfigException">With one line for each error, and for each warning: a misspelt key is often what an error is about.
    /// </exception>
    public void ThrowIfAny()
    {
        if (_errors.Count > 0)
        {
            throw new ConfigException(string.Join('\n', [.. _errors, .. _warnings]));
        }
    }

    private string Describe(long line, string key, string problem) => $"{file}:{line}: {key}: {problem}";
}
