using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;

namespace Tidemark.Cli.Output;

/// <summary>Everything that is printed as JSON, with its serialiser made at compile time.</summary>
[JsonSerializable(typeof(IReadOnlyList<LtxFileDocument>))]
[JsonSerializable(typeof(RestorePlanDocument))]
[JsonSerializable(typeof(LegacyRestorePlanDocument))]
[JsonSerializable(typeof(RestoreDocument))]
[JsonSerializable(typeof(IReadOnlyList<VerifyDocument>))]
internal sealed partial class JsonDocuments : JsonSerializerContext
{
    private static readonly JsonDocuments s_readable = new(new JsonSerializerOptions
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        WriteIndented = true,
        NewLine = "\n",
        // Paths and names are read by people and scripts, never by a browser: text stays as it is.
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    });

    /// <summary>Prints one document and a line end.</summary>
    public static void Write<T>(TextWriter output, T document)
        => output.Write(JsonSerializer.Serialize(document, (JsonTypeInfo<T>)s_readable.GetTypeInfo(typeof(T))!) + "\n");
}
