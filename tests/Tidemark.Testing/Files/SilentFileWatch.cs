using Tidemark.Replicas.Files;

namespace Tidemark.Testing.Files;

/// <summary>The watch of a file system that gives no notices.</summary>
internal sealed class SilentFileWatch : IFileWatch
{
    public bool TryArmContent(string path, Action changed) => false;

    public bool TryArmNames(string folder, Action appeared) => false;

    public bool TryArmName(string path, Action appeared) => false;

    public void Dispose()
    {
    }
}
