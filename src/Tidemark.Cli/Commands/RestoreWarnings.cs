using Microsoft.Extensions.Logging;
using Tidemark.Cli.Output;
using Tidemark.Formats;
using Tidemark.Replicas.Restore;

namespace Tidemark.Cli.Commands;

/// <summary>What a restore goes around: told to the log at once, and kept for the JSON.</summary>
/// <param name="logger">Is told.</param>
internal sealed class RestoreWarnings(ILogger logger)
{
    private readonly List<string> _messages = [];

    /// <summary>Where the warnings go, and all else that is told of the restore.</summary>
    public ILogger Logger => logger;

    /// <summary>What was told so far.</summary>
    public IReadOnlyList<string> Messages => _messages;

    /// <summary>Another destination is tried.</summary>
    public void ReplicaPassedOver(string replica, TidemarkException reason)
    {
        _messages.Add($"{replica} was passed over: {reason.Message}");
        logger.ReplicaPassedOver(replica, reason.Message);
    }

    /// <summary>Two destinations have different states under one TXID.</summary>
    public void HistoriesDiffer(PlannedRestore used, PlannedRestore other, Txid txid)
    {
        var (usedAt, otherAt) = (Rfc3339.FormatExactly(used.Created), Rfc3339.FormatExactly(other.Created));
        _messages.Add(
            $"{used.Store.Name} and {other.Store.Name} hold different states under TXID {txid}: they are not of one history. "
            + $"{used.Store.Name} was used.");
        Logger.HistoriesDiffer(used.Store.Name, usedAt, other.Store.Name, otherAt, txid.ToString());
    }

    /// <summary>A destination stands in for another one, and nothing proves that it has the same state.</summary>
    public void StandsInUnproven(string replica, string instead, string state)
    {
        _messages.Add($"Nothing proves that {replica} has the same {state} as {instead}.");
        Logger.StandsInUnproven(replica, instead, state);
    }

    /// <summary>Other files stand in for a damaged one.</summary>
    public void FilePassedOver(DamagedFile file)
    {
        _messages.Add($"A damaged file was passed over: {file.Failure.Message}");
        logger.FilePassedOver(file.Failure.Message);
    }
}
