"""The plan that follows the project, and the estimate beside it."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import pytest

from app.session.live_plan import (
    estimate,
    known_growth,
    learn_growth,
    learn_speed,
    measured_speed,
    planned,
    reason_of,
    segment_at,
)
from app.workflows.caches import films_cache
from engine.model import edits as e
from engine.model.patch import Follow, Motion, Patch
from engine.model.recipe import recipe_runs
from engine.model.region import Box
from engine.model.time import Range
from engine.model.tool import Blur
from engine.plan.export_plan import CopySegment, Reason, RenderSegment


def patch(stage, start, stop, id="patch"):
    return Patch.with_tool(
        id, stage.project.sources[0].id, Box(0.2, 0.2, 0.4, 0.4), Range(start, stop), start, Blur(4.0)
    )


def settled(stage, qtbot):
    plan = stage.session.live_plan
    qtbot.waitUntil(lambda: plan.is_current, timeout=10_000)
    return plan.planned


def test_the_plan_follows_every_change_and_the_newest_wins(stage, qtbot):
    assert settled(stage, qtbot).plan.frames_rendered == 0
    told = []
    stage.session.live_plan.plan_changed.connect(told.append)
    for number in range(12):
        stage.do(e.AddPatch(patch(stage, number * 2, number * 2 + 2, f"p{number}")))
    assert settled(stage, qtbot).project is stage.project
    assert settled(stage, qtbot).plan.frames_rendered >= 24
    assert len(told) < 12
    stage.session.document.undo(12)
    qtbot.waitUntil(lambda: not list(stage.project.patches))
    assert settled(stage, qtbot).plan.frames_rendered == 0


def test_without_its_film_there_is_no_plan_but_a_sentence(stage, qtbot):
    found = planned(stage.project, {})
    assert found.plan is None
    assert "film.mp4" in found.problem
    stage.do(e.LiftClips((stage.project.storyline[0].id,)))
    assert "no film" in settled(stage, qtbot).problem


def test_a_closed_project_has_no_plan(stage, qtbot):
    settled(stage, qtbot)
    stage.session.document.close()
    assert stage.session.live_plan.planned is None


def test_an_untouched_film_is_estimated_at_its_own_size(stage, qtbot):
    found = settled(stage, qtbot)
    film = next(iter(stage.session.document.films.values()))
    assert found.estimate.size_bytes == pytest.approx(film.path.stat().st_size, rel=0.1)


def test_more_frames_to_encode_take_longer_and_a_faster_machine_takes_less(stage, qtbot):
    project, films = stage.project, stage.session.document.films
    little = e.AddPatch(patch(stage, 0, 2)).apply(project)
    much = e.AddPatch(patch(stage, 0, 50)).apply(project)

    def seconds(project, speed):
        runs = recipe_runs(project)
        return estimate(project, planned(project, films).plan, runs, films, speed).seconds

    assert seconds(little, 1e5) < seconds(much, 1e5)
    assert seconds(much, 1e6) < seconds(much, 1e5)


def test_the_speed_of_exports_is_learned_and_nonsense_forgotten():
    kept = {}

    class Cache:
        def get(self, kind, key):
            return kept.get((kind, key))

        def put(self, kind, key, data):
            kept[kind, key] = data

    class Output:
        def exists(self):
            return True

        def stat(self):
            return type("Stat", (), {"st_size": 0})()

    class Plan:
        frames_rendered = 100

    class Report:
        plan, output, seconds = Plan(), Output(), 10.0

    usual = measured_speed(Cache(), "h264")
    learn_speed(Cache(), "h264", Report(), 1_000_000)
    assert measured_speed(Cache(), "h264") == pytest.approx(1e7)
    learn_speed(Cache(), "h264", Report(), 3_000_000)
    assert measured_speed(Cache(), "h264") == pytest.approx(2e7)
    kept["export-speed", "h264"] = b"no number"
    assert measured_speed(Cache(), "h264") == usual


def test_the_size_of_frames_that_are_made_anew_is_a_guess_until_an_export_of_the_film_has_shown_it(stage, qtbot):
    stage.do(e.AddPatch(patch(stage, 0, 50)))
    guess = settled(stage, qtbot).estimate
    assert guess.size_bytes < guess.most_bytes == guess.other_bytes + 2 * guess.replaced_bytes
    film = next(iter(stage.session.document.films.values()))
    with films_cache() as cache:
        assert known_growth(cache, film.identity) is None
        written = SimpleNamespace(output=film.path)
        learn_growth(cache, film.identity, written, replace(guess, other_bytes=0.0, replaced_bytes=0.01))
        assert known_growth(cache, film.identity) is None
        size = film.path.stat().st_size
        learn_growth(cache, film.identity, written, replace(guess, other_bytes=size / 4, replaced_bytes=size / 2))
        assert known_growth(cache, film.identity) == pytest.approx(1.5)
    stage.session.live_plan.estimate_anew()
    qtbot.waitUntil(lambda: settled(stage, qtbot).estimate.most_bytes == 0.0, timeout=10_000)
    after = settled(stage, qtbot).estimate
    assert after.size_bytes == pytest.approx(guess.other_bytes + 1.5 * guess.replaced_bytes)


def test_a_segment_is_found_by_its_frame_and_says_why(stage, qtbot):
    stage.do(e.AddPatch(patch(stage, 10, 14)))
    plan = settled(stage, qtbot).plan
    changed = segment_at(plan, 12)
    assert isinstance(changed, RenderSegment)
    assert (changed.reason, changed.frames) == (Reason.CHANGED, Range(10, 14))
    assert reason_of(changed) == "4 frames re-encoded: changed"
    assert all(
        segment_at(plan, frame).frames.start <= frame < segment_at(plan, frame).frames.stop for frame in range(50)
    )
    assert segment_at(plan, 50) is None
    assert reason_of(CopySegment(Range(3, 4))) == "1 frame: copied, packet for packet"


def test_the_estimate_counts_what_is_still_to_be_followed_by_the_speed_that_was_measured(stage, qtbot, monkeypatch):
    session = stage.session
    qtbot.waitUntil(lambda: session.preview.moving is not None, timeout=20_000)
    with monkeypatch.context() as held:
        held.setattr(session.following, "_follow", lambda *_: None)
        stage.do(e.AddPatch(replace(patch(stage, 10, 30), motion=Motion(Follow.HYBRID))))
        qtbot.waitUntil(lambda: settled(stage, qtbot).estimate.to_follow.frames == 20, timeout=20_000)
        before = settled(stage, qtbot).estimate
        assert (before.to_follow.unmeasured, before.to_follow.seconds) == (20, 0.0)
    session.following._look()
    qtbot.waitUntil(lambda: settled(stage, qtbot).estimate.to_follow.frames == 0, timeout=60_000)
    with monkeypatch.context() as held:
        held.setattr(session.following, "_follow", lambda *_: None)
        stage.do(e.AddPatch(replace(patch(stage, 5, 45, "more"), motion=Motion(Follow.HYBRID))))
        qtbot.waitUntil(lambda: settled(stage, qtbot).estimate.to_follow.frames == 40, timeout=20_000)
        after = settled(stage, qtbot).estimate
        assert after.to_follow.unmeasured == 0
        assert after.seconds > after.to_follow.seconds > 0
