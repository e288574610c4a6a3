namespace Tidemark.Replicas.Retention;

/// <summary>Reckons with times of files.</summary>
internal static class FileAge
{
    /// <summary>When a file reaches an age, which is the sum of parts; the end of all time when it never does.</summary>
    public static DateTimeOffset Reaches(DateTimeOffset created, params ReadOnlySpan<TimeSpan> age)
    {
        var time = created;
        foreach (var part in age)
        {
            time = DateTimeOffset.MaxValue - time > part ? time + part : DateTimeOffset.MaxValue;
        }

        return time;
    }
}
