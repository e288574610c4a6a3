using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Microsoft.Extensions.Logging;
using Tidemark.Cli.Arguments;
using Tidemark.Formats;

namespace Tidemark.Cli.Logging;

/// <summary>One event of the log, and its two forms.</summary>
internal sealed record LogLine(DateTimeOffset Time, LogLevel Level, string Message, IReadOnlyList<KeyValuePair<string, object?>> Fields)
{
    /// <summary>A longer value is not told a second time beside a message that has it.</summary>
    private const int RepeatedLengthMax = 60;

    private static readonly JsonWriterOptions s_json = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>The values of a message template, and the error with its hint.</summary>
    public static IReadOnlyList<KeyValuePair<string, object?>> FieldsOf<TState>(TState state, Exception? exception)
    {
        var fields = new List<KeyValuePair<string, object?>>();
        if (state is IEnumerable<KeyValuePair<string, object?>> values)
        {
            fields.AddRange(values.Where(pair => pair.Key != "{OriginalFormat}").Select(pair
                => KeyValuePair.Create(SnakeCase(pair.Key), pair.Value)));
        }

        if (exception is not null)
        {
            fields.Add(KeyValuePair.Create("error", (object?)exception.Message));
        }

        if (exception is TidemarkException { Hint: { } hint })
        {
            fields.Add(KeyValuePair.Create("hint", (object?)hint));
        }

        return fields;
    }

    /// <summary><c>time=… level=INFO msg="…" key=value</c>, without long values that the message has.</summary>
    public string ToText()
    {
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture,
            $"time={Time:yyyy-MM-dd'T'HH:mm:ss.fffzzz} level={LogLevelName.Of(Level)} msg={Quote(Message)}");
        foreach (var (key, value) in Fields)
        {
            var valueText = TextOf(value);
            if (valueText.Length <= RepeatedLengthMax || !Message.Contains(valueText, StringComparison.Ordinal))
            {
                text.Append(CultureInfo.InvariantCulture, $" {key}={Quote(valueText)}");
            }
        }

        return text.ToString();
    }

    /// <summary>One JSON object.</summary>
    public string ToJson()
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer, s_json))
        {
            json.WriteStartObject();
            json.WriteString("time", Time.ToString("O", CultureInfo.InvariantCulture));
            json.WriteString("level", LogLevelName.Of(Level));
            json.WriteString("msg", Message);
            foreach (var (key, value) in Fields)
            {
                switch (value)
                {
                    case int or long or uint:
                        json.WriteNumber(key, Convert.ToInt64(value, CultureInfo.InvariantCulture));
                        break;
                    case bool flag:
                        json.WriteBoolean(key, flag);
                        break;
                    default:
                        json.WriteString(key, TextOf(value));
                        break;
                }
            }

            json.WriteEndObject();
        }

        return Encoding.UTF8.GetString(buffer.GetBuffer(), 0, (int)buffer.Length);
    }

    private static string TextOf(object? value) => value switch
    {
        null => "",
        TimeSpan duration => GoDuration.Format(duration),
        DateTimeOffset moment => moment.ToString("O", CultureInfo.InvariantCulture),
        _ => Convert.ToString(value, CultureInfo.InvariantCulture) ?? "",
    };

    // A value that a reader could misread is quoted, as in Go's text logs.
    private static string Quote(string text)
    {
        if (text.Length > 0 && !text.Any(character
            => char.IsWhiteSpace(character) || char.IsControl(character) || character is '"' or '=' or '\\'))
        {
            return text;
        }

        var quoted = new StringBuilder("\"");
        foreach (var character in text)
        {
            _ = character switch
            {
                '"' => quoted.Append("\\\""),
                '\\' => quoted.Append("\\\\"),
                '\n' => quoted.Append("\\n"),
                '\r' => quoted.Append("\\r"),
                '\t' => quoted.Append("\\t"),
                _ when char.IsControl(character) => quoted.Append(CultureInfo.InvariantCulture, $"\\x{(int)character:x2}"),
                _ => quoted.Append(character),
            };
        }

        return quoted.Append('"').ToString();
    }

    // DatabasePath becomes database_path.
    private static string SnakeCase(string name)
    {
        var text = new StringBuilder();
        foreach (var character in name)
        {
            if (char.IsUpper(character) && text.Length > 0)
            {
                text.Append('_');
            }

            text.Append(char.ToLowerInvariant(character));
        }

        return text.ToString();
    }
}
