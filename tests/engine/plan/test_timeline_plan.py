"""The plan of a cut film, drawn: a source's frames, what of them the timeline shows, what is copied.

The letters of the source are those of test_export_plan: I IDR, C CRA, O an I picture with leading B pictures, N an
intra picture that is no entry, P, B (stored behind the next picture that is no B), Q a B picture that needs nothing
from before its entry (RADL), _ a P picture that is never shown.
"""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.model.frame_index import FrameIndex, UnitKind
from engine.model.geometry import AS_IT_IS
from engine.model.layers import Blend
from engine.model.ops import PatchOp
from engine.model.patch import Motion
from engine.model.recipe import BlackBase, ConformedBase, Placement, Recipe, RecipeRun, SourceBase
from engine.model.region import Box
from engine.model.time import Range
from engine.model.tool import Blur
from engine.plan.export_plan import CopySegment, Mode, Reason
from engine.plan.timeline_plan import (
    CopyPiece,
    RenderPiece,
    coded_order,
    decode_times,
    frames_of_piece,
    plan_timeline,
)

KINDS = {"I": UnitKind.IDR, "C": UnitKind.CRA, "O": UnitKind.OPEN_I, "N": UnitKind.INTRA}
MARKS = {
    Reason.CHANGED: "#",
    Reason.HEAD: "<",
    Reason.TAIL: ">",
    Reason.CLIP_START: "s",
    Reason.CLIP_END: "e",
    Reason.OTHER_FILM: "o",
    Reason.OTHER_RATE: "r",
    Reason.OTHER_SHAPE: "p",
    Reason.BLACK: ".",
    Reason.WIDENED: "w",
}
CHANGE = PatchOp(Box(0.1, 0.1, 0.2, 0.2), 0, 0.0, 0.0, None, Motion(), None, Blur(3.0), 1.0, Blend.NORMAL)


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
    count = len(decode)
    unit_at = np.empty(count, np.int64)
    unit_at[decode] = np.arange(count)
    letters = [frames[rank] for rank in decode]
    order = np.array([unit_at[rank] for rank in range(count) if frames[rank] != "_"], np.int64)
    frame_of = np.full(count, -1, np.int64)
    frame_of[order] = np.arange(order.size)
    return FrameIndex(
        codec="h264",
        time_base=Fraction(1, 250),
        pts=np.array(decode, np.int64) * 10 + 100,
        dts=np.arange(count, dtype=np.int64) * 10,
        duration=np.full(count, 10, np.int64),
        size=np.full(count, 1000, np.int64),
        position=np.arange(count, dtype=np.int64) * 1000,
        kind=np.array([KINDS.get(letter, UnitKind.OTHER) for letter in letters], np.uint8),
        presented=np.array([letter != "_" for letter in letters]),
        first_packet=np.arange(count, dtype=np.int64),
        packet_count=np.ones(count, np.int64),
        order=order,
        frame_of=frame_of,
        exact_timestamps=True,
    )


def runs_of(*recipes: tuple[int, Recipe]) -> list[RecipeRun]:
    runs, at = [], 0
    for count, recipe in recipes:
        runs.append(RecipeRun(Range(at, at + count), recipe))
        at += count
    return runs


def clip(start: int, stop: int, source: str = "a", changed: bool = False) -> tuple[int, Recipe]:
    return stop - start, Recipe(SourceBase(source, start), None, (CHANGE,) if changed else ())


def drawing_of(plan) -> str:
    return "".join(
        ("=" if isinstance(segment, CopySegment) else MARKS[segment.reason]) * len(segment.frames)
        for segment in plan.described.segments
    )


PLANS = {
    "a clip that begins at a keyframe is copied": ("IPPPIPPP", [(4, 8)], "===="),
    "a clip that begins between keyframes is rendered up to the next one": ("IPPPIPPP", [(1, 8)], "sss===="),
    "a clip without a keyframe inside is rendered": ("IPPPPPPP", [(1, 4)], "sss"),
    "a clip may end behind any picture that is not shown before one stored earlier": ("IPPPIPPP", [(0, 3)], "==="),
    "a clip that ends inside a reordered group is rendered from where the group begins": (
        "IBBPBBP",
        [(0, 6)],
        "====ee",
    ),
    "keyframes inside a clip cost nothing": ("IPPIPPIPP", [(0, 9)], "========="),
    "a CRA is an entry once its leading pictures are rendered": ("IPPPBBCPPP", [(2, 10)], "ssss===="),
    "leading pictures that need nothing from before their keyframe come with it": ("IPPPQQIPPP", [(4, 10)], "======"),
    "leading pictures outside the clip are left out": ("IPPPQQIPPP", [(5, 10)], "s===="),
    "an intra picture that later pictures refer across is no entry": ("IPPNPPIP", [(3, 8)], "sss=="),
    "a film that begins in the middle of things may begin so again": ("PPPIPP", [(0, 6)], "======"),
    "but not behind another clip": ("PPPIPP", [(3, 6), (0, 5)], "===sss=="),
    "two parts of one film": ("IPPIPPIPP", [(3, 5), (0, 3)], "====="),
    "frames that are never shown are left out": ("IP__PPIPP", [(0, 7)], "==>>==="),
    "clips turned round": ("IPPPIPPP", [(5, 8), (1, 5)], "ssssss="),
}


@pytest.mark.parametrize("name", PLANS)
def test_clips_of_one_film(name):
    frames, clips, expected = PLANS[name]
    index = drawn_index(frames)
    plan = plan_timeline(runs_of(*(clip(*part) for part in clips)), {"a": index}, {"a"})
    assert drawing_of(plan) == expected


def test_a_change_inside_a_clip_is_rendered_up_to_the_next_keyframe():
    plan = plan_timeline(
        runs_of(clip(0, 2), clip(2, 3, changed=True), clip(3, 9)), {"a": drawn_index("IPPPPPIPP")}, {"a"}
    )
    assert drawing_of(plan) == "==#>>>==="
    assert [type(piece) for piece in plan.pieces] == [CopyPiece, RenderPiece, CopyPiece]


def test_a_change_behind_reordered_pictures_takes_these_with_it():
    plan = plan_timeline(
        runs_of(clip(0, 5), clip(5, 6, changed=True), clip(6, 9)), {"a": drawn_index("IBBPBBPIP")}, {"a"}
    )
    assert drawing_of(plan) == "====<#>=="


def test_every_reason_to_render_has_its_name():
    placed = Recipe(SourceBase("a", 0), Placement(AS_IT_IS, 64, 36, Fraction(1)))
    conformed = Recipe(ConformedBase("a", Fraction(0), Fraction(25)))
    black = Recipe(BlackBase())
    runs = runs_of((2, placed), (2, conformed), (2, black), clip(0, 2, "b"), clip(0, 3))
    plan = plan_timeline(runs, {"a": drawn_index("IPP"), "b": drawn_index("IPP")}, {"a"})
    assert drawing_of(plan) == "pprr..oo==="
    assert len(plan.pieces) == 2


def test_frames_that_failed_their_check_are_rendered():
    plan = plan_timeline(runs_of(clip(0, 9)), {"a": drawn_index("IPPIPPIPP")}, {"a"}, [Range(2, 4)])
    assert drawing_of(plan) == "==ww>>==="


def test_a_film_of_which_nothing_can_be_copied_says_so():
    plan = plan_timeline(runs_of((5, Recipe(BlackBase()))), {}, set())
    assert plan.described.mode is Mode.FULL
    assert plan.described.reason == "no clip holds frames that can be copied"


def test_an_entry_without_its_leading_pictures_stands_alone():
    plan = plan_timeline(runs_of(clip(2, 10)), {"a": drawn_index("IPPPBBCPPP")}, {"a"})
    _, copy = plan.pieces
    assert copy == CopyPiece(Range(4, 8), "a", Range(4, 10), 2, 6)
    assert frames_of_piece(copy, {"a": drawn_index("IPPPBBCPPP")}).tolist() == [4, 5, 6, 7]


def test_pictures_are_decoded_no_later_than_shown():
    index = drawn_index("IBBPBBP")
    plan = plan_timeline(runs_of(clip(0, 7)), {"a": index}, {"a"})
    order = coded_order(plan, {"a": index})
    assert order.frames.tolist() == [0, 3, 1, 2, 6, 4, 5]
    assert order.depth == 1
    assert decode_times(np.arange(8) * 10, order).tolist() == [-10, 0, 10, 20, 30, 40, 50]


@st.composite
def timelines(draw):
    """Return indices, joinable sources and runs over them."""
    indices = {
        source: drawn_index("I" + draw(st.text("IPPPBBCONQ_", min_size=1, max_size=24))) for source in ("a", "b")
    }
    parts = []
    for _ in range(draw(st.integers(1, 5))):
        source = draw(st.sampled_from("ab"))
        count = indices[source].frame_count
        start = draw(st.integers(0, count - 1))
        stop = draw(st.integers(start + 1, count))
        middle = draw(st.integers(start, stop))
        changed = draw(st.booleans())
        parts += [
            clip(*part, source, flag)
            for part, flag in (((start, middle), False), ((middle, stop), changed))
            if part[0] < part[1]
        ]
        if draw(st.integers(0, 3)) == 0:
            parts.append((draw(st.integers(1, 3)), Recipe(BlackBase())))
    return indices, set(draw(st.sampled_from(["a", "ab"]))), runs_of(*parts)


def depends_on(index: FrameIndex, unit: int) -> tuple[int, int]:
    """Return the units [first, last] of which a decoder needs all to be sure of a picture, in the worst case.

    It needs everything from the last clean entry before it in decode order; a leading picture of an open entry needs
    the group before as well.
    """
    for entry in range(unit, -1, -1):
        kind = index.kind[entry]
        if kind in (UnitKind.CRA, UnitKind.OPEN_I) and index.pts[unit] < index.pts[entry]:
            continue
        if kind in (UnitKind.IDR, UnitKind.CRA, UnitKind.OPEN_I):
            return entry, unit
    return 0, unit


@given(timelines())
def test_pieces_cover_the_output_exactly_and_every_copied_picture_can_be_decoded(timeline):
    indices, joinable, runs = timeline
    plan = plan_timeline(runs, indices, joinable)
    total = runs[-1].timeline_range.stop

    at = 0
    for segment in plan.described.segments:
        assert segment.frames
        assert segment.frames.start == at
        at = segment.frames.stop
    assert at == total
    copied = {frame for s in plan.described.segments if isinstance(s, CopySegment) for frame in s.frames}

    at = 0
    for piece in plan.pieces:
        assert piece.frames
        assert piece.frames.start == at
        at = piece.frames.stop
        shown = frames_of_piece(piece, indices).tolist()
        assert sorted(shown) == list(piece.frames)
        if isinstance(piece, RenderPiece):
            assert not copied & set(piece.frames)
            continue
        assert piece.source_id in joinable
        assert set(piece.frames) <= copied
        index = indices[piece.source_id]
        units = [piece.units.start, *range(piece.units.start + 1 + piece.skipped, piece.units.stop)]
        for unit, frame in zip(units, shown, strict=True):
            # It shows the source frame that the timeline shows there, unchanged.
            run = next(run for run in runs if frame in run.timeline_range)
            assert run.recipe.is_bare
            assert index.frame_of[unit] == run.recipe.base.frame + frame - run.timeline_range.start
            # Everything that it may need was copied before it; nothing but leading pictures is left out.
            first, last = depends_on(index, unit)
            needed = [n for n in range(first, last + 1) if n >= piece.units.start]
            assert first >= piece.units.start or index.kind[piece.units.start] == UnitKind.IDR
            skipped = set(needed) - set(units)
            assert all(index.pts[n] < index.pts[piece.units.start] for n in skipped)
    assert at == total

    order = coded_order(plan, indices)
    starts = np.cumsum(np.arange(total + 1))
    dts = decode_times(starts, order)
    assert dts.size == total
    assert (np.diff(dts) >= 0).all()
    assert (dts <= starts[order.frames]).all()
