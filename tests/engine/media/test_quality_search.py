"""Which quality figure is tried next: quality first, then size, each with as few passes as can be."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.media.encoders.plan import Effort, QualityControl, QualityScale
from engine.media.quality import (
    FLOOR_DB,
    UNKNOWN_QUALITY,
    Search,
    SourceQuality,
    Tally,
    better,
    starting_figure,
    tally,
)

SCALE = QualityScale(
    QualityControl.CRF, finest=4, coarsest=32, first=(15, 20), offset=-6, db_per_step=0.75, growth_per_step=1.14
)
BUDGET = 1_000_000.0


def shown(db: float, share: float, frames: int = 100, total: int = 100) -> Tally:
    """A pass that is `frames` far, at `share` of the bytes it may take."""
    return Tally(frames, total, db, round(share * BUDGET * frames / total), share * BUDGET)


def test_a_good_pass_within_its_bytes_is_kept():
    assert better(Search(18), shown(44.0, 0.7), SCALE, BUDGET) is None


def test_a_poor_frame_asks_for_a_finer_figure_at_once():
    found = better(Search(20), shown(40.0, 0.3, frames=2), SCALE, BUDGET)
    assert found == Search(20 - math.ceil((FLOOR_DB + 1.2 - 40.0) / 0.75), None, failed=True)


def test_a_frame_near_the_floor_counts_as_poor_only_while_little_is_lost():
    assert better(Search(20), shown(42.3, 0.3, frames=3), SCALE, BUDGET) is not None
    assert better(Search(20), shown(42.3, 0.3, frames=50), SCALE, BUDGET) is None


def test_quality_is_not_bought_beyond_the_bytes_a_segment_may_take():
    # Two steps of 14 % are left to the budget, though ten would be wanted.
    found = better(Search(20), shown(36.0, 0.75), SCALE, BUDGET)
    assert found is not None
    assert found.figure == 18
    assert better(Search(20), shown(36.0, 1.2), SCALE, BUDGET) is None


def test_too_many_bytes_ask_for_a_coarser_figure_where_quality_has_room():
    found = better(Search(15), shown(52.0, 1.5), SCALE, BUDGET)
    assert found is not None
    assert found.figure > 15
    assert found.too_many_bytes == 15
    assert better(Search(15), shown(43.0, 1.5), SCALE, BUDGET) is None


def test_the_size_is_not_judged_by_the_first_frames_or_by_flat_ones():
    assert better(Search(15), shown(52.0, 3.0, frames=5), SCALE, BUDGET) is None
    assert better(Search(15), shown(52.0, 1.5, frames=12), SCALE, BUDGET) is None
    assert better(Search(15), shown(100.0, 9.0, frames=50), SCALE, BUDGET) is None
    assert better(Search(15), shown(52.0, 3.0, frames=20), SCALE, BUDGET) is not None


def test_a_figure_that_rose_too_far_falls_back_at_least_half_way():
    found = better(Search(28, too_many_bytes=18), shown(41.5, 0.4), SCALE, BUDGET)
    assert found == Search(23, 18, failed=True)


def test_after_a_failure_the_figure_does_not_rise_again():
    assert better(Search(22, 15, failed=True), shown(50.0, 1.9), SCALE, BUDGET) is None


def test_formats_without_a_choice_are_never_tried_again():
    for control in (QualityControl.LOSSLESS, QualityControl.FIXED):
        assert better(Search(0), shown(30.0, 3.0), QualityScale(control), BUDGET) is None


@given(
    first=st.integers(4, 32),
    quality_at_20=st.floats(30, 70),
    share_at_20=st.floats(0.05, 20),
    slope=st.floats(0.3, 1.2),
    growth=st.floats(1.05, 1.25),
)
def test_the_search_ends_and_never_leaves_the_scale(first, quality_at_20, share_at_20, slope, growth):
    search = Search(float(first))
    for _ in range(40):
        figure = search.figure
        assert SCALE.finest <= figure <= SCALE.coarsest
        db = min(100.0, quality_at_20 - slope * (figure - 20))
        share = share_at_20 * growth ** (20 - figure)
        found = better(search, shown(db, share), SCALE, BUDGET)
        if found is None:
            break
        assert found.figure != figure
        search = found
    else:
        pytest.fail("the search goes on for ever")


def test_the_projection_follows_the_source_behind_the_keyframe():
    # A keyframe of 100, then units that take twice the bytes of those they replace.
    replaced = [10, 5, 5, 20, 20]
    assert tally([100, 10, 10], replaced, 50.0) == Tally(3, 5, 50.0, 120, 100 + 2 * 50)


def test_the_first_figure_comes_from_the_sources_own_quantiser():
    assert starting_figure(SourceQuality(24.0), SCALE, 0.1) == 18
    assert starting_figure(SourceQuality(2.0), SCALE, 0.1) == 15
    assert starting_figure(SourceQuality(45.0), SCALE, 0.1) == 20


def test_the_first_figure_comes_from_the_bit_rate_where_the_quantiser_is_not_known():
    rich, middling, poor = (starting_figure(UNKNOWN_QUALITY, SCALE, bits) for bits in (1.0, 0.08, 0.005))
    assert (rich, poor) == (15, 20)
    assert rich < middling < poor


def test_an_encoder_takes_more_care_before_a_frame_stays_poor():
    # A quick encoder has three steps left to the budget, and ten would be wanted.
    found = better(Search(20, effort=Effort.QUICK), shown(36.0, 0.7), SCALE, BUDGET)
    assert found is not None
    assert found.effort is Effort.CAREFUL
    assert found.figure <= 18
    assert found.failed


def test_an_encoder_takes_more_care_before_frames_take_too_many_bytes():
    found = better(Search(18, effort=Effort.QUICK), shown(42.5, 1.1), SCALE, BUDGET)
    assert found == Search(18, 18, effort=Effort.CAREFUL)


def test_care_is_not_taken_where_a_quick_encoder_does():
    assert better(Search(18, effort=Effort.QUICK), shown(44.0, 0.9), SCALE, BUDGET) is None
    found = better(Search(20, effort=Effort.QUICK), shown(41.0, 0.3), SCALE, BUDGET)
    assert found is not None
    assert found.effort is Effort.QUICK


@given(
    quality_at_20=st.floats(30, 70),
    share_at_20=st.floats(0.05, 20),
    first=st.integers(4, 32),
    frames=st.integers(1, 100),
)
def test_effort_never_falls_and_changes_the_search_once(quality_at_20, share_at_20, first, frames):
    search, rises = Search(float(first), effort=Effort.QUICK), 0
    for _ in range(40):
        db = min(100.0, quality_at_20 - 0.7 * (search.figure - 20))
        share = share_at_20 * 1.14 ** (20 - search.figure) * (0.85 if search.effort is Effort.CAREFUL else 1)
        found = better(search, shown(db, share, frames=frames), SCALE, BUDGET)
        if found is None:
            return
        assert SCALE.finest <= found.figure <= SCALE.coarsest
        assert not (search.effort is Effort.CAREFUL and found.effort is Effort.QUICK)
        rises += found.effort is not search.effort
        assert rises <= 1
        assert found != search
        search = found
    pytest.fail("the search goes on for ever")
