"""The plan, drawn: frames in display order, what changed, what is re-encoded.

I IDR, C CRA, O an I picture with leading B pictures, N an intra picture that is no entry, P, B (stored behind the next
picture that is no B), Q a B picture that needs nothing from before its entry (RADL), _ a P picture that is never shown.
"""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.model.frame_index import FrameIndex, UnitKind
from engine.model.time import Range
from engine.plan.export_plan import (
    CopySegment,
    Mode,
    Reason,
    RenderSegment,
    frames_of_ranks,
    plan_export,
    plan_full,
    wider,
)
from engine.plan.seam import Restart

KINDS = {"I": UnitKind.IDR, "C": UnitKind.CRA, "O": UnitKind.OPEN_I, "N": UnitKind.INTRA}


def drawn_index(frames: str) -> FrameIndex:
    decode: list[int] = []
    waiting: list[int] = []
    for rank, letter in enumerate(frames):
        if letter in "BQ":
            waiting.append(rank)
        else:
            decode += [rank, *waiting]
            waiting = []
    decode += waiting
    unit_at = np.empty(len(decode), np.int64)
    unit_at[decode] = np.arange(len(decode))
    letters = [frames[rank] for rank in decode]
    count = len(decode)
    pts = np.array(decode, np.int64) * 10 + 100
    presented = np.array([letter != "_" for letter in letters])
    order = np.array([unit_at[rank] for rank in range(count) if frames[rank] != "_"], np.int64)
    frame_of = np.full(count, -1, np.int64)
    frame_of[order] = np.arange(order.size)
    return FrameIndex(
        codec="h264",
        time_base=Fraction(1, 250),
        pts=pts,
        dts=np.arange(count, dtype=np.int64) * 10,
        duration=np.full(count, 10, np.int64),
        size=np.full(count, 1000, np.int64),
        position=np.arange(count, dtype=np.int64) * 1000,
        kind=np.array([KINDS.get(letter, UnitKind.OTHER) for letter in letters], np.uint8),
        presented=presented,
        first_packet=np.arange(count, dtype=np.int64),
        packet_count=np.ones(count, np.int64),
        order=order,
        frame_of=frame_of,
        exact_timestamps=True,
    )


def changed_of(drawing: str) -> list[Range]:
    return [Range(at, at + 1) for at, mark in enumerate(drawing) if mark == "x"]


def drawing_of(plan) -> str:
    marks = {Reason.CHANGED: "#", Reason.HEAD: "<", Reason.TAIL: ">", Reason.TAIL_TO_END: "~", Reason.WIDENED: "w"}
    return "".join(
        ("=" if isinstance(segment, CopySegment) else marks[segment.reason]) * len(segment.frames)
        for segment in plan.segments
    )


PLANS = {
    "a changed frame is re-encoded with what follows it up to the next keyframe": """
        frames  IPPPPPIPPP
        changed .x........
        plan    =#>>>>====
    """,
    "copying stops only where nothing stored earlier is shown later": """
        frames  IBBPBBPIPP
        changed .....x....
        plan    ====<#>===
    """,
    "two changes in one group share its tail": """
        frames  IPPPPPIPPP
        changed .x..x.....
        plan    =#>>#>====
    """,
    "changes in two groups are two cuts": """
        frames  IPPIPPIPPI
        changed .x..x.....
        plan    =#>=#>====
    """,
    "the leading pictures of a CRA are re-encoded with the tail": """
        frames  IPPPBBCPPP
        changed .x........
        plan    =#>>>>====
    """,
    "a changed leading picture needs no tail beyond its CRA": """
        frames  IPPPBBCPPP
        changed .....x....
        plan    ====<#====
    """,
    "an I picture with leading pictures is an entry once these are re-encoded": """
        frames  IBBPBBOBBP
        changed ....x.....
        plan    ====#>====
    """,
    "an intra picture that later pictures refer across is no entry": """
        frames  IPPNPPIPPP
        changed .x........
        plan    =#>>>>====
    """,
    "without a later keyframe the tail runs to the end of the film": """
        frames  IPPNPPPPPP
        changed .x........
        plan    =#~~~~~~~~
    """,
    "leading pictures that need nothing from before their keyframe stay with it": """
        frames  IPPPQQIPPP
        changed .x........
        plan    =#>>======
    """,
    "a changed leading picture is re-encoded and its keyframe stands alone": """
        frames  IPPPQQIPPP
        changed ....x.....
        plan    ====#>====
    """,
    "where every frame is a keyframe only the changed one is re-encoded": """
        frames  IIIIIIIIII
        changed ...x.x....
        plan    ===#=#====
    """,
    "frames that are never shown are not counted": """
        frames  IP__PPIPPP
        changed ..x.....
        plan    ==#>====
    """,
    "the last frame has no tail": """
        frames  IPPPPPIPPP
        changed .........x
        plan    =========#
    """,
}


@pytest.mark.parametrize("name", PLANS)
def test_plan(name):
    rows = dict(line.split() for line in PLANS[name].strip().splitlines())
    plan = plan_export(drawn_index(rows["frames"]), changed_of(rows["changed"]))
    assert drawing_of(plan) == rows["plan"]


def test_a_change_at_the_first_frame_of_a_film_with_one_keyframe_is_a_full_export_that_says_why():
    plan = plan_export(drawn_index("IPPPPPPP"), [Range(0, 1)])
    assert plan.mode is Mode.FULL
    assert "no keyframe behind the change" in plan.reason
    assert plan.frames_copied == 0


def test_a_tail_to_the_end_is_a_warning_with_its_figures():
    plan = plan_export(drawn_index("IPPPPPPPPP"), [Range(3, 5)])
    assert plan.warnings == (
        "7 frames are re-encoded for 2 changed ones: no keyframe follows frame 4 at which a copy may begin again",
    )


def test_nothing_changed_means_everything_is_copied():
    plan = plan_export(drawn_index("IPPIPP"), [])
    assert (plan.mode, plan.cuts, plan.frames_copied) == (Mode.DIFFERENTIAL, (), 6)


def test_a_renamed_entry_takes_the_last_slot_of_its_cut():
    plan = plan_export(drawn_index("IPPPBBCPPP"), [Range(1, 2)])
    (cut,) = plan.cuts
    assert cut.restart is Restart.AT_RENAMED_ENTRY
    assert cut.units == Range(1, 7)
    assert cut.ranks == Range(1, 6)
    assert cut.entry == 4


def test_a_full_plan_is_one_cut_over_the_film():
    plan = plan_full(drawn_index("IPPIPP"), [Range(1, 2)], "WMV2 cannot be joined")
    assert plan.cuts[0].units == Range(0, 6)
    assert [segment.reason for segment in plan.segments if isinstance(segment, RenderSegment)] == [
        Reason.WHOLE_FILM,
        Reason.CHANGED,
        Reason.WHOLE_FILM,
    ]


def test_a_wider_plan_covers_a_keyframe_more_on_both_sides():
    index = drawn_index("IPPIPPIPPIPP")
    plan = plan_export(index, [Range(4, 5)])
    assert wider(index, plan) == (Range(3, 9),)
    again = plan_export(index, [Range(4, 5)], widened=wider(index, plan))
    assert drawing_of(again) == "===w#wwww==="


def test_ranks_that_are_never_shown_repeat_a_neighbour():
    assert frames_of_ranks(drawn_index("IP__PP"), Range(0, 6)) == (0, 1, 2, 2, 2, 3)


@given(
    frames=st.text("IPPPBBCONQ_", min_size=1, max_size=40).map(lambda tail: "I" + tail),
    marks=st.lists(st.integers(0, 39), min_size=1, max_size=6),
)
def test_segments_cover_the_film_exactly_and_cuts_fit_their_slots(frames, marks):
    index = drawn_index(frames)
    changed = [Range(mark % index.frame_count, mark % index.frame_count + 1) for mark in marks]
    plan = plan_export(index, changed)

    at = 0
    for segment in plan.segments:
        assert segment.frames.start == at
        assert segment.frames
        at = segment.frames.stop
    assert at == index.frame_count
    rendered = {frame for segment in plan.segments if isinstance(segment, RenderSegment) for frame in segment.frames}
    assert {frame for part in changed for frame in part} <= rendered

    unit_at = np.argsort(index.pts, kind="stable")
    last = 0
    for cut in plan.cuts:
        assert cut.units.start >= last
        last = cut.units.stop
        moved_entry = cut.entry in cut.units
        assert len(cut.units) == len(cut.ranks) + moved_entry
        # Exactly the units in the cut are what is encoded or moved.
        inside = set(unit_at[cut.ranks.start : cut.ranks.stop].tolist()) | ({cut.entry} if moved_entry else set())
        assert inside == set(cut.units)
        # Nothing copied before the cut is shown after something in it.
        assert index.pts[: cut.units.start].max(initial=-1) < index.pts[cut.units.start : cut.units.stop].min()
        if moved_entry:
            slot = index.dts[cut.units.stop - 1]
            assert slot <= index.pts[cut.entry]
