using Tidemark.Formats;
using Tidemark.Formats.Wal;
using Tidemark.Replication.Capture;
using Xunit;

namespace Tidemark.Replication.Tests.Capture;

/// <summary>Every row of the decision table.</summary>
public sealed class CaptureDecisionTests
{
    private static readonly WalSalts s_salts = new(1, 2);
    private static readonly WalSalts s_otherSalts = new(7, 8);
    private static readonly WalChecksum s_checksum = new(3, 4);

    [Fact]
    public void Without_a_position_the_first_image_is_taken()
        => Assert.IsType<CaptureDecision.FirstImage>(Decide(null, Wal(5), guard: false, holds: false));

    [Fact]
    public void A_replica_that_is_ahead_becomes_the_base()
        => Assert.Equal(Discontinuity.ReplicaIsAhead, Healed(Decide(At(5), Wal(5), guard: true, holds: true, replica: 11)));

    [Fact]
    public void A_replica_that_is_level_or_behind_changes_nothing()
        => Assert.IsType<CaptureDecision.Idle>(Decide(At(5), Wal(5), guard: true, holds: true, replica: 10));

    [Fact]
    public void Another_page_size_is_a_discontinuity_even_under_a_guard()
    {
        PageSize.TryFromBytes(512, out var small);
        Assert.Equal(Discontinuity.PageSizeChanged, Healed(Decide(At(5), Wal(6) with { PageSize = small }, guard: true, holds: true)));
    }

    [Fact]
    public void An_empty_wal_under_a_guard_means_that_nothing_was_written()
        => Assert.IsType<CaptureDecision.Idle>(Decide(At(5), null, guard: true, holds: false));

    [Fact]
    public void An_empty_wal_without_a_guard_has_lost_the_place()
        => Assert.Equal(Discontinuity.WalIsGone, Healed(Decide(At(5), null, guard: false, holds: false)));

    [Fact]
    public void The_same_wal_with_more_frames_continues_after_the_position()
        => Assert.Equal(new CaptureDecision.Continue(6), Decide(At(5), Wal(9), guard: true, holds: true));

    [Fact]
    public void The_same_wal_continues_after_an_interruption_if_it_still_holds_the_position()
        => Assert.Equal(new CaptureDecision.Continue(6), Decide(At(5), Wal(9), guard: false, holds: true));

    [Fact]
    public void The_same_wal_with_the_same_end_is_idle()
        => Assert.IsType<CaptureDecision.Idle>(Decide(At(5), Wal(5), guard: false, holds: true));

    [Fact]
    public void The_same_salts_with_other_frames_are_a_discontinuity()
        => Assert.Equal(Discontinuity.WalWasRewritten, Healed(Decide(At(5), Wal(9), guard: false, holds: false)));

    [Fact]
    public void The_same_salts_with_fewer_frames_are_a_discontinuity()
        => Assert.Equal(Discontinuity.WalIsShorter, Healed(Decide(At(5), Wal(4), guard: false, holds: false)));

    [Fact]
    public void A_restarted_wal_under_an_uninterrupted_guard_continues_at_its_first_frame()
        => Assert.Equal(new CaptureDecision.Continue(1), Decide(At(5), Wal(3) with { Salts = s_otherSalts }, guard: true, holds: false));

    [Fact]
    public void A_restarted_wal_that_is_still_empty_is_idle_under_a_guard()
        => Assert.IsType<CaptureDecision.Idle>(Decide(At(5), Wal(0) with { Salts = s_otherSalts }, guard: true, holds: false));

    [Fact]
    public void A_restarted_wal_after_an_interruption_is_a_discontinuity_however_it_looks()
    {
        Assert.Equal(
            Discontinuity.WalWasRestarted, Healed(Decide(At(5), Wal(3) with { Salts = s_otherSalts }, guard: false, holds: false)));
        Assert.Equal(
            Discontinuity.WalWasRestarted, Healed(Decide(At(5), Wal(0) with { Salts = s_otherSalts }, guard: false, holds: false)));
    }

    private static CaptureDecision Decide(Position? position, WalIndexHeader? wal, bool guard, bool holds, ulong replica = 0)
        => CaptureDecision.From(new WalObservation(position, wal, new Txid(replica), guard, holds));

    private static Discontinuity Healed(CaptureDecision decision) => Assert.IsType<CaptureDecision.Heal>(decision).Reason;

    private static Position At(uint frame) => new(new Txid(10), Pages(), 100, s_salts, frame, s_checksum, null, new Lineage(1));

    private static WalIndexHeader Wal(uint frames) => new(Pages(), frames, 100, s_checksum, s_salts);

    private static PageSize Pages() => PageSize.TryFromBytes(4096, out var pageSize) ? pageSize : throw new InvalidOperationException();
}
