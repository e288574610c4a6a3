using Tidemark.Formats;
using Tidemark.Replicas.Leases;
using Xunit;

namespace Tidemark.Replicas.Tests.Leases;

public sealed class WriterClaimTests
{
    private const string Text = """
        tidemark-writer 1
        state held
        lineage 4f1d0c9a86e2b573
        run 9be0177d2c5a4e60
        host web-1
        process 4711
        since 2026-11-24T10:00:00.250Z

        """;

    private static readonly WriterClaim s_claim = new()
    {
        Lineage = new Lineage(0x4f1d0c9a86e2b573),
        Run = 0x9be0177d2c5a4e60,
        Host = "web-1",
        ProcessId = 4711,
        Since = new DateTimeOffset(2026, 11, 24, 10, 0, 0, 250, TimeSpan.Zero),
    };

    [Fact]
    public void A_claim_has_one_text_form()
    {
        Assert.Equal(Text, s_claim.Format());
        Assert.Equal(s_claim, WriterClaim.TryParse(Text));
        var contested = s_claim with { IsContested = true };
        Assert.Equal(Text.Replace("held", "contested", StringComparison.Ordinal), contested.Format());
        Assert.Equal(contested, WriterClaim.TryParse(contested.Format()));
        var released = s_claim with { IsReleased = true };
        Assert.Equal(Text.Replace("held", "released", StringComparison.Ordinal), released.Format());
        Assert.Equal(released, WriterClaim.TryParse(released.Format()));
    }

    [Fact]
    public void The_claim_of_this_process_reads_back_and_differs_from_run_to_run()
    {
        var since = DateTimeOffset.FromUnixTimeMilliseconds(1_790_000_000_123).AddTicks(17);
        var claim = WriterClaim.ForThisProcess(new Lineage(7), since);
        Assert.Equal(claim, WriterClaim.TryParse(claim.Format()));
        Assert.NotEqual(claim.Run, WriterClaim.ForThisProcess(new Lineage(7), since).Run);
    }

    [Fact]
    public void Every_text_that_a_claim_is_not_written_as_is_refused()
    {
        string[] wrong =
        [
            "", "\n", "claim", Text[..^1], Text + "\n", Text + " ", " " + Text,
            Text.Replace("writer 1", "writer 2", StringComparison.Ordinal),
            Text.Replace("held", "lost", StringComparison.Ordinal),
            Text.Replace("held", "held ", StringComparison.Ordinal),
            Text.Replace("4f1d0c9a86e2b573", "4F1D0C9A86E2B573", StringComparison.Ordinal),
            Text.Replace("4f1d0c9a86e2b573", "4f1d0c9a86e2b5731", StringComparison.Ordinal),
            Text.Replace("9be0177d2c5a4e60", "", StringComparison.Ordinal),
            Text.Replace("4711", "-4711", StringComparison.Ordinal),
            Text.Replace("4711", "04711", StringComparison.Ordinal),
            Text.Replace("4711", "99999999999", StringComparison.Ordinal),
            Text.Replace("2026-11-24", "2026-13-24", StringComparison.Ordinal),
            Text.Replace(".250Z", "Z", StringComparison.Ordinal),
            Text.Replace("\n", "\r\n", StringComparison.Ordinal),
            Text.Replace("process", "Process", StringComparison.Ordinal),
        ];
        Assert.All(wrong, text => Assert.Null(WriterClaim.TryParse(text)));
        for (var length = 0; length < Text.Length; length++)
        {
            Assert.Null(WriterClaim.TryParse(Text[..length]));
        }
    }
}
