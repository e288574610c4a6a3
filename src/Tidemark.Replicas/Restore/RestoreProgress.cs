namespace Tidemark.Replicas.Restore;

/// <summary>How far a restore has come.</summary>
/// <param name="BytesRead">Bytes read from the store. Starts again from 0 when files vanish meanwhile and the restore is planned
/// anew.</param>
/// <param name="BytesTotal">Bytes that the plan's files have together.</param>
/// <param name="PagesWritten">Pages written.</param>
/// <param name="PagesTotal">Pages that the restored database will have.</param>
public readonly record struct RestoreProgress(long BytesRead, long BytesTotal, long PagesWritten, long PagesTotal);
