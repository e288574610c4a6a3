namespace Tidemark.Cli.Configuration;

/// <summary>What is wrong in a configuration file, collected so that a person sees all of it at once.</summary>
internal sealed class ConfigProblems(string file)
{
    private readonly List<(long Line, string Text)> _errors = [];
    private readonly List<(long Line, string Text)> _warnings = [];
    private readonly List<(long Line, string Text)> _doubts = [];

    /// <summary>What has no effect although it is written; not fatal. In the order of the lines.</summary>
    public IReadOnlyList<string> Warnings => InOrder(_warnings);

    /// <summary>Those of the warnings by which something may lie elsewhere than the file seems to say.</summary>
    public IReadOnlyList<string> Doubts => InOrder(_doubts);

    /// <summary>Notes a fault that makes the file unusable.</summary>
    public void Error(long line, string key, string problem) => _errors.Add((line, Describe(line, key, problem)));

    /// <summary>Notes a fault of the text itself.</summary>
    public void Error(long line, string problem) => _errors.Add((line, $"{file}:{line}: {problem}"));

    /// <summary>Notes something that has no effect, or hardly the one that is meant.</summary>
    public void Warning(long line, string key, string problem) => _warnings.Add((line, Describe(line, key, problem)));

    /// <summary>Notes a warning by which something may lie elsewhere than the file seems to say.</summary>
    public void Doubt(long line, string key, string problem)
    {
        Warning(line, key, problem);
        _doubts.Add(_warnings[^1]);
    }

    /// <summary>Throws when there was an error.</summary>
    /// <exception cref="ConfigException">With one line for each error, and after them for each warning: a misspelt key is often what an
    /// error is about.</exception>
    public void ThrowIfAny()
    {
        if (_errors.Count > 0)
        {
            throw new ConfigException(string.Join('\n', [.. InOrder(_errors), .. Warnings.Select(warning => $"Warning: {warning}")]));
        }
    }

    private static IReadOnlyList<string> InOrder(List<(long Line, string Text)> problems)
        => [.. problems.OrderBy(problem => problem.Line).Select(problem => problem.Text)];

    private string Describe(long line, string key, string problem) => $"{file}:{line}: {key}: {problem}";
}
