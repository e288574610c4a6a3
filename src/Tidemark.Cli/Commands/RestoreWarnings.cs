using Microsoft.Extensions.Logging;
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

    /// <summary>Other files stand in for a damaged one.</summary>
    public void FilePassedOver(DamagedFile file)
    {
        _messages.Add($"A damaged file was passed over: {file.Failure.Message}");
        logger.FilePassedOver(file.Failure.Message);
    }
}
