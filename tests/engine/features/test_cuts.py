"""Changes of shots: what is one, what only looks like one."""

from __future__ import annotations

import numpy as np
import pytest

from engine.features.cuts import CutSettings, TransitionKind, cut_scores, shots, transitions
from engine.model.time import Range
from tests.measured import measured_film, measured_pictures
from tests.shots import Shot, mixed_plan

RATE = 25.0
SIZE = (160, 90)


def shot(seed, **look):
    return Shot(seed, *SIZE, **look)


def found(plan, kind, **facts):
    picture, truth = measured_film(plan, width=SIZE[0], height=SIZE[1], **facts)
    return [item.frames for item in transitions(picture, RATE) if item.kind is kind], truth


def test_hard_cuts_are_found_on_their_frames():
    plan = [
        {"shot": shot(n, **look), "frames": 30} for n, look in enumerate([{}, {"walker": True}, {"shake": 3.0}, {}])
    ]
    cuts, truth = found(plan, TransitionKind.CUT)
    assert [frames.start for frames in cuts] == truth.cuts == [30, 60, 90]
    assert all(len(frames) == 1 for frames in cuts)


@pytest.mark.parametrize("length", [1, 2, 4])
@pytest.mark.parametrize(
    "look", [{}, {"speed": (30.0, 0.0), "blur": True}, {"shake": 3.0}], ids=["still", "pan", "hand"]
)
def test_a_flash_is_no_cut(length, look):
    plan = [{"shot": shot(5, **look), "frames": 60, "flashes": {25: length}}]
    picture, _ = measured_film(plan, width=SIZE[0], height=SIZE[1])
    assert picture.change[25] > 20
    assert transitions(picture, RATE) == ()


def test_a_cut_beside_a_flash_is_still_one():
    plan = [{"shot": shot(5), "frames": 40, "flashes": {20: 2}}, {"shot": shot(6), "frames": 40}]
    cuts, truth = found(plan, TransitionKind.CUT)
    assert [frames.start for frames in cuts] == truth.cuts


def test_fast_pans_and_changing_light_are_no_cuts():
    plan = [{"shot": shot(8, speed=(32.0, 2.0), blur=True), "frames": 50, "gain": lambda k: 1 + 0.3 * np.sin(k / 6)}]
    picture, _ = measured_film(plan, width=SIZE[0], height=SIZE[1])
    assert transitions(picture, RATE) == ()


@pytest.mark.parametrize("length", [8, 16, 36])
def test_a_dissolve_is_found_with_its_length(length):
    plan = [{"shot": shot(1), "frames": 45}, {"shot": shot(2, walker=True), "frames": 45, "join": ("dissolve", length)}]
    dissolves, truth = found(plan, TransitionKind.DISSOLVE)
    (frames,), ((start, stop),) = dissolves, truth.dissolves
    assert abs(frames.start - start) <= max(3, length // 4)
    assert abs(frames.stop - stop) <= max(3, length // 4)


def test_a_fade_is_two_ramps_and_its_black_is_no_cut():
    plan = [{"shot": shot(3), "frames": 40}, {"shot": shot(4), "frames": 40, "join": ("fade", 14, 8, 12)}]
    picture, truth = measured_film(plan, width=SIZE[0], height=SIZE[1])
    changes = transitions(picture, RATE)
    assert [item.kind for item in changes] == [TransitionKind.FADE_OUT, TransitionKind.FADE_IN]
    for item, (start, stop) in zip(changes, truth.fades, strict=True):
        assert abs(item.frames.start - start) <= 3
        assert abs(item.frames.stop - stop) <= 3


def test_cards_of_plain_colours_are_told_apart():
    frames = [np.full((90, 160, 3), (60, 100, 150) if n < 20 else (180, 160, 90), np.uint8) for n in range(40)]
    cuts = [item.frames.start for item in transitions(measured_pictures(frames), RATE)]
    assert cuts == [20]


def test_more_sensitivity_never_finds_fewer_cuts():
    picture, truth = measured_film(mixed_plan(3, 6, *SIZE), width=SIZE[0], height=SIZE[1])
    counts = [
        sum(item.kind is TransitionKind.CUT for item in transitions(picture, RATE, CutSettings(share)))
        for share in (0.0, 0.5, 1.0)
    ]
    assert counts == sorted(counts)
    assert counts[1] == len(truth.cuts)
    assert all(cut_scores(picture)[at] > 1 for at in truth.cuts)


def test_shots_lie_between_the_changes_and_leave_mixtures_out():
    plan = [
        {"shot": shot(1), "frames": 40},
        {"shot": shot(2), "frames": 40},
        {"shot": shot(3), "frames": 40, "join": ("dissolve", 12)},
    ]
    picture, _ = measured_film(plan, width=SIZE[0], height=SIZE[1])
    changes = transitions(picture, RATE)
    runs = shots(changes, picture.count)
    assert runs[0] == Range(0, 40)
    assert runs[1].start == 40
    assert len(runs) == 3
    assert runs[2].stop == picture.count
    mixed = next(item.frames for item in changes if item.kind is TransitionKind.DISSOLVE)
    assert not any(run.overlaps(mixed) for run in runs)


@pytest.mark.parametrize("count", [1, 2, 5])
def test_a_film_of_few_frames_has_no_changes(count):
    picture, _ = measured_film([{"shot": shot(1), "frames": count}], width=SIZE[0], height=SIZE[1])
    assert transitions(picture, RATE) == ()
    assert shots((), picture.count) == (Range(0, count),)
