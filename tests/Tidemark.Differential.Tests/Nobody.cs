namespace Tidemark.Differential.Tests;

/// <summary>The application is alone.</summary>
internal sealed class Nobody : ICompanion
{
    public bool IsRunning => false;

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task KillAsync() => Task.CompletedTask;

    public void Dispose()
    {
    }
}
