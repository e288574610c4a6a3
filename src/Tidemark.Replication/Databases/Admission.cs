using Tidemark.Replicas.Files;

namespace Tidemark.Replication.Databases;

/// <summary>The look at a database that comes before everything else.</summary>
internal static class Admission
{
    /// <summary>Refuses a database that cannot be replicated without danger for it. Opens nothing that belongs to it, and creates
    /// nothing.</summary>
    /// <exception cref="DatabaseException">It is refused.</exception>
    public static void ThrowIfRefused(string path)
    {
        if (AdmissionObservation.TryMake(PhysicalFileSystem.Instance, path) is { } seen && AdmissionDecision.From(seen) is { } refusal)
        {
            throw RefusalText.ToException(refusal, seen);
        }
    }
}
