namespace Tidemark.Crash.Roles;

/// <summary>All ways to checkpoint.</summary>
internal static class CheckpointModes
{
    private static readonly string[] s_all = ["PASSIVE", "FULL", "RESTART", "TRUNCATE"];

    public static string Pick(Random random) => s_all[random.Next(s_all.Length)];
}
