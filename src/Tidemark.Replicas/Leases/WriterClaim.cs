using System.Buffers.Binary;
using System.Globalization;
using System.Security.Cryptography;
using Tidemark.Formats;

namespace Tidemark.Replicas.Leases;

/// <summary>Who writes to a replica: what lies beside its files, so that two writers find out about each other.</summary>
/// <remarks>
/// The text form, each line ended by a line feed:
/// <code>
///   tidemark-writer 1
///   state held                        or: contested, released
///   lineage 4f1d0c9a86e2b573
///   run 9be0177d2c5a4e60
///   host web-1
///   process 4711
///   since 2026-11-24T10:00:00.000Z
/// </code>
/// </remarks>
public sealed record WriterClaim
{
    private const string TimeFormat = "yyyy-MM-dd'T'HH:mm:ss.fff'Z'";

    private static readonly string[] s_names = ["tidemark-writer", "state", "lineage", "run", "host", "process", "since"];

    /// <summary>What the writer puts into its files.</summary>
    public required Lineage Lineage { get; init; }

    /// <summary>Random for each run: tells a writer from a copy of itself.</summary>
    public required ulong Run { get; init; }

    /// <summary>Its machine; without line breaks.</summary>
    public required string Host { get; init; }

    /// <summary>Its process on that machine.</summary>
    public required int ProcessId { get; init; }

    /// <summary>When the run began, to the millisecond.</summary>
    public required DateTimeOffset Since { get; init; }

    /// <summary>Whether this writer found another one here, so that both have to stop.</summary>
    public bool IsContested { get; init; }

    /// <summary>Whether this writer ended in order, so that the place is free.</summary>
    public bool IsReleased { get; init; }

    /// <summary>The claim of a new run of this process.</summary>
    public static WriterClaim ForThisProcess(Lineage lineage, DateTimeOffset since) => new()
    {
        Lineage = lineage,
        Run = BinaryPrimitives.ReadUInt64LittleEndian(RandomNumberGenerator.GetBytes(sizeof(ulong))),
        Host = string.Concat(Environment.MachineName.Where(c => !char.IsControl(c))),
        ProcessId = Environment.ProcessId,
        Since = DateTimeOffset.FromUnixTimeMilliseconds(since.ToUnixTimeMilliseconds()),
    };

    /// <summary>Reads the text form; null for everything that <see cref="Format"/> does not write.</summary>
    public static WriterClaim? TryParse(string text)
    {
        var lines = text.Split('\n');
        if (lines.Length != s_names.Length + 1)
        {
            return null;
        }

        var values = new string[s_names.Length];
        for (var i = 0; i < s_names.Length; i++)
        {
            if (!lines[i].StartsWith(s_names[i] + " ", StringComparison.Ordinal))
            {
                return null;
            }

            values[i] = lines[i][(s_names[i].Length + 1)..];
        }

        if (!ulong.TryParse(values[2], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var lineage)
            || !ulong.TryParse(values[3], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var run)
            || !int.TryParse(values[5], NumberStyles.None, CultureInfo.InvariantCulture, out var processId)
            || !DateTimeOffset.TryParseExact(
                values[6], TimeFormat, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var since))
        {
            return null;
        }

        var claim = new WriterClaim
        {
            Lineage = new Lineage(lineage),
            Run = run,
            Host = values[4],
            ProcessId = processId,
            Since = since,
            IsContested = values[1] == "contested",
            IsReleased = values[1] == "released",
        };
        return claim.Format() == text ? claim : null;
    }

    /// <summary>The text form.</summary>
    public string Format()
    {
        string[] values =
        [
            "1",
            IsContested ? "contested" : IsReleased ? "released" : "held",
            Lineage.ToString(),
            Run.ToString("x16", CultureInfo.InvariantCulture),
            Host,
            ProcessId.ToString(CultureInfo.InvariantCulture),
            Since.UtcDateTime.ToString(TimeFormat, CultureInfo.InvariantCulture),
        ];
        return string.Concat(s_names.Zip(values, (name, value) => $"{name} {value}\n"));
    }

    /// <summary>Who that is, for a person.</summary>
    public override string ToString()
        => string.Create(
            CultureInfo.InvariantCulture, $"process {ProcessId} on {Host}, since {Since.UtcDateTime:yyyy-MM-dd HH:mm:ss}Z, lineage {Lineage}");
}
