using Tidemark.Cli.Arguments;
using YamlDotNet.RepresentationModel;

namespace Tidemark.Cli.Configuration;

/// <summary>One mapping of the configuration file. Reading a key marks it as known; what stays unread is reported by <see
/// cref="Finish"/>.</summary>
internal sealed class ConfigSection
{
    private readonly string _path;
    private readonly ConfigProblems _problems;
    private readonly Dictionary<string, (YamlNode Value, long Line)> _entries = [];
    private readonly HashSet<string> _read = [];

    /// <summary>Takes the entries of a mapping, those that <c>&lt;&lt;</c> merges in included.</summary>
    /// <param name="node">The mapping.</param>
    /// <param name="path">The key that leads here; empty for the whole file.</param>
    /// <param name="problems">Where faults go.</param>
    public ConfigSection(YamlMappingNode node, string path, ConfigProblems problems)
    {
        (_path, _problems) = (path, problems);
        Line = node.Start.Line;
        Take(node);
    }

    /// <summary>Where the section begins.</summary>
    public long Line { get; }

    /// <summary>Whether a key has a value.</summary>
    public bool Has(string key) => _entries.TryGetValue(key, out var entry) && !IsNull(entry.Value);

    /// <summary>Whether a key is there, with or without a value.</summary>
    public bool Names(string key)
    {
        _read.Add(key);
        return _entries.ContainsKey(key);
    }

    /// <summary>A text; null when unset or empty.</summary>
    public string? Text(string key) => TryRead(key, out var text) && text.Length > 0 ? text : null;

    /// <summary>A value that <paramref name="parse"/> makes of a text; null when unset or wrong.</summary>
    public T? Value<T>(string key, Func<string, T> parse)
        where T : struct
    {
        if (!TryRead(key, out var text))
        {
            return null;
        }

        try
        {
            return parse(text);
        }
        catch (FormatException e)
        {
            Error(key, $"\"{text}\" {e.Message}");
            return null;
        }
    }

    /// <summary>A duration; null when unset or wrong.</summary>
    public TimeSpan? Duration(string key) => Value(key, GoDuration.Parse);

    /// <summary>A duration above zero; null when unset or wrong.</summary>
    public TimeSpan? PositiveDuration(string key) => Value(key, GoDuration.ParsePositive);

    /// <summary>A section below this one; null when unset.</summary>
    /// <param name="key">The key.</param>
    /// <param name="otherwise">What helps where something else than a section stands.</param>
    public ConfigSection? Section(string key, string otherwise = "")
    {
        if (!TryTake(key, out var node))
        {
            return null;
        }

        if (node is YamlMappingNode mapping)
        {
            return new ConfigSection(mapping, PathOf(key), _problems);
        }

        Error(key, $"must be a section of keys and values{otherwise}");
        return null;
    }

    /// <summary>The sections of a list; empty when unset.</summary>
    public IReadOnlyList<ConfigSection> List(string key)
    {
        if (!TryTake(key, out var node))
        {
            return [];
        }

        if (node is YamlSequenceNode list && list.Children.All(child => child is YamlMappingNode))
        {
            return [.. list.Children.Select((child, index)
                => new ConfigSection((YamlMappingNode)child, $"{PathOf(key)}[{index}]", _problems))];
        }

        Error(key, "must be a list of sections");
        return [];
    }

    /// <summary>Notes a fault of a key, at its line or else at that of the section.</summary>
    public void Error(string key, string problem) => _problems.Error(LineOf(key), PathOf(key), problem);

    /// <summary>Notes that a key hardly has the effect that is meant.</summary>
    public void Warning(string key, string problem) => _problems.Warning(LineOf(key), PathOf(key), problem);

    /// <summary>Notes that a key may lead elsewhere than its text says.</summary>
    public void Doubt(string key, string problem) => _problems.Doubt(LineOf(key), PathOf(key), problem);

    /// <summary>Refuses keys that mean something, but that must not be dropped silently.</summary>
    public void Refuse(string problem, params ReadOnlySpan<string> keys)
    {
        foreach (var key in keys)
        {
            if (TryTake(key, out _))
            {
                Error(key, problem);
            }
        }
    }

    /// <summary>Accepts keys without effect.</summary>
    public void Skip(params ReadOnlySpan<string> keys)
    {
        foreach (var key in keys)
        {
            _read.Add(key);
        }
    }

    /// <summary>Reports every key that nobody read.</summary>
    /// <param name="later">Keys that are right, but of which Tidemark makes no use yet.</param>
    /// <param name="former">What is told of keys that have had an effect once.</param>
    public void Finish(IReadOnlySet<string> later, IReadOnlyDictionary<string, string> former)
    {
        foreach (var key in _entries.Keys.Where(key => !_read.Contains(key)))
        {
            Warning(key, former.TryGetValue(key, out var explanation) ? explanation
                : later.Contains(key) ? "not supported yet: ignored"
                : NearestWord.Of(key, _read.Concat(later)) is { } nearest ? $"unknown key: ignored; {nearest} is one"
                : "unknown key: ignored");
        }
    }

    private static bool IsNull(YamlNode node)
        => node is YamlScalarNode { Style: YamlDotNet.Core.ScalarStyle.Plain, Value: null or "" or "~" or "null" or "Null" or "NULL" };

    private void Take(YamlMappingNode node)
    {
        // Own keys go before merged ones, whatever the order.
        foreach (var (key, value) in node.Children)
        {
            if (key is YamlScalarNode { Value: { } name } && name != "<<")
            {
                _entries.TryAdd(name, (value, key.Start.Line));
            }
        }

        foreach (var (key, value) in node.Children)
        {
            if (key is YamlScalarNode { Value: "<<" })
            {
                foreach (var merged in value is YamlSequenceNode list ? list.Children.OfType<YamlMappingNode>()
                    : new[] { value }.OfType<YamlMappingNode>())
                {
                    Take(merged);
                }
            }
        }
    }

    private bool TryTake(string key, out YamlNode node)
    {
        _read.Add(key);
        var isSet = Has(key);
        node = isSet ? _entries[key].Value : s_null;
        return isSet;
    }

    private bool TryRead(string key, out string text)
    {
        text = "";
        if (!TryTake(key, out var node))
        {
            return false;
        }

        if (node is YamlScalarNode scalar)
        {
            text = scalar.Value ?? "";
            return true;
        }

        Error(key, "must be a single value");
        return false;
    }

    private long LineOf(string key) => _entries.TryGetValue(key, out var entry) ? entry.Line : Line;

    private string PathOf(string key) => _path.Length == 0 ? key : $"{_path}.{key}";

    private static readonly YamlScalarNode s_null = new();
}
