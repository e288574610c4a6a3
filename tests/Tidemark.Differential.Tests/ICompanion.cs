namespace Tidemark.Differential.Tests;

/// <summary>Who else has the database of an application open.</summary>
internal interface ICompanion : IDisposable
{
    /// <summary>True from its start until its end, whatever ends it.</summary>
    bool IsRunning { get; }

    /// <summary>Begins, unless it runs.</summary>
    Task StartAsync(CancellationToken cancellationToken);

    /// <summary>Ends in order, if it runs.</summary>
    Task StopAsync(CancellationToken cancellationToken);

    /// <summary>Is killed, if it runs.</summary>
    Task KillAsync();
}
