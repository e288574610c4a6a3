namespace Tidemark.Testing.Databases;

/// <summary>The pages of a followed database, to be compared with those of its source.</summary>
public static class FollowedPages
{
    // Journal mode, change counter, and the number that says for which of them the size in the header is valid.
    private static readonly Range[] s_own = [18..20, 24..28, 92..96];

    /// <summary>A copy without what a follower says in the header on its own account.</summary>
    public static byte[] Neutral(byte[] pages)
    {
        byte[] copy = [.. pages];
        foreach (var range in s_own)
        {
            copy.AsSpan(range).Clear();
        }

        return copy;
    }
}
