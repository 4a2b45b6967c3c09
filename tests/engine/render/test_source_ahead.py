"""What is played of the source while frames are encoded is what the check would play, and it plays it once."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from engine.control import CancelToken, Progress
from engine.errors import Cancelled
from engine.media.replay import Replay
from engine.model.time import Range
from engine.plan.export_plan import plan_export
from engine.render.packet_check import Plan
from engine.render.seam_windows import Depth
from engine.render.source_ahead import played, stretches_around
from engine.render.verify import prepared, verify_prepared
from tests.corpus.small_clips import Recipe, facts, make
from tests.engine.render.test_verify import exported

RUN = Range(20, 30)


@pytest.fixture(scope="module")
def films(tmp_path_factory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("films")
    source = make(folder / "film.mp4", Recipe())
    return source, exported(source, folder / "out.mp4")


@pytest.fixture
def plays(monkeypatch) -> list[tuple[Path, bool]]:
    """Which film was played, and whether by the check itself."""
    found: list[tuple[Path, bool]] = []
    whole = Replay.stretch

    def stretch(self, *given):
        found.append((self._path, threading.current_thread().name.startswith("play")))
        return whole(self, *given)

    monkeypatch.setattr(Replay, "stretch", stretch)
    return found


@pytest.mark.parametrize("ahead", [True, False])
def test_a_check_plays_only_what_was_not_played_ahead(films, plays, ahead):
    source, out = films
    _, index = facts(source)
    cuts = plan_export(index, (Range(20, 25),)).cuts if ahead else ()
    assert not ahead or cuts[0].units == RUN
    with prepared(source, cuts, index) as opened:
        report = verify_prepared(
            opened, out, Plan.of(index, [RUN]), Depth.EXPORT, view=None, progress=Progress(), cancel=CancelToken()
        )
    assert report.verified, report.problems
    assert report.frames_compared > 10
    by_the_check = [path for path, is_own in plays if is_own]
    assert (source in by_the_check) is not ahead
    assert out in by_the_check


def test_frames_seen_ahead_are_those_of_the_source(films):
    source, _ = films
    _, index = facts(source)
    (cut,) = plan_export(index, (Range(20, 25),)).cuts
    before, behind = stretches_around(index, (cut,))
    seen = played(source, (before, behind), CancelToken())
    pts = index.frame_pts.tolist()
    assert [frame.pts for frame in seen[before]] == pts[10:20]
    assert [frame.pts for frame in seen[behind]] == pts[30:38]
    assert len({frame.digest() for frames in seen.values() for frame in frames}) == 18
    assert played(source.with_name("gone.mp4"), (before,), CancelToken()) == {}


def test_it_stops_when_nobody_waits_for_it_any_more(films):
    source, _ = films
    _, index = facts(source)
    cancel = CancelToken()
    cancel.cancel()
    stretches = stretches_around(index, plan_export(index, (Range(20, 25),)).cuts)
    with pytest.raises(Cancelled):
        played(source, stretches, cancel)
