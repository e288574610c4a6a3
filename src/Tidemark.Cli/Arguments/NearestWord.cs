namespace Tidemark.Cli.Arguments;

/// <summary>Finds the key, flag or command that somebody most likely meant.</summary>
internal static class NearestWord
{
    private const int DistanceMax = 2;

    /// <summary>How many letters of a word there must be for each that may be wrong: most short words are near each other.</summary>
    private const int LettersPerMistake = 3;

    /// <summary>The word that takes the fewest mistakes to become <paramref name="written"/>; null when none is near.</summary>
    /// <param name="written">A word that is not known.</param>
    /// <param name="known">Those that are.</param>
    public static string? Of(string written, IEnumerable<string> known)
        => known.Select(key => (Key: key, Distance: Distance(written, key)))
            .Where(candidate => candidate.Distance <= Math.Min(DistanceMax, candidate.Key.Length / LettersPerMistake))
            .OrderBy(candidate => candidate.Distance).ThenBy(candidate => candidate.Key, StringComparer.Ordinal)
            .FirstOrDefault().Key;

    /// <summary>How many letters are added, lost, changed, or swapped with the next one.</summary>
    private static int Distance(string left, string right)
    {
        var distance = new int[left.Length + 1, right.Length + 1];
        for (var i = 0; i <= left.Length; i++)
        {
            for (var j = 0; j <= right.Length; j++)
            {
                if (i == 0 || j == 0)
                {
                    distance[i, j] = i + j;
                    continue;
                }

                var change = left[i - 1] == right[j - 1] ? 0 : 1;
                distance[i, j] = Math.Min(Math.Min(distance[i - 1, j], distance[i, j - 1]) + 1, distance[i - 1, j - 1] + change);
                if (i > 1 && j > 1 && left[i - 1] == right[j - 2] && left[i - 2] == right[j - 1])
                {
                    distance[i, j] = Math.Min(distance[i, j], distance[i - 2, j - 2] + 1);
                }
            }
        }

        return distance[left.Length, right.Length];
    }
}
