using Tidemark.Replicas.Files;

namespace Tidemark.Testing.Files;

/// <summary>The watch of a file system that gives no notices.</summary>
internal sealed class SilentFileWatch : IFileWatch
{
    public void ArmContent(string path, Action changed)
    {
    }

    public void ArmNames(string folder, Action appeared)
    {
    }

    public void Dispose()
    {
    }
}
