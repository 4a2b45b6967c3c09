"""The first look at a film happens in a child process, all of it; what came through once is trusted."""

from __future__ import annotations

import os
import sys

import pytest

from app.workflows import first_look
from app.workflows.first_look import look_at
from engine.control import CancelToken, Progress
from engine.errors import DamagedMedia
from engine.index.index_blob import kept_index
from engine.media import guard
from tests.corpus.small_clips import make

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="what is exchanged here reaches a forked child only")


@pytest.fixture
def film(tmp_path, monkeypatch):
    monkeypatch.setenv("DELTACUT_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(guard, "_may_fork", lambda: True)
    return make(tmp_path / "film.mp4")


def looked_at(film):
    return look_at(film, Progress(), CancelToken())


@pytest.mark.parametrize("stage", ["probe", "build_index"])
def test_whatever_crashes_on_a_film_costs_one_message(film, monkeypatch, stage):
    monkeypatch.setattr(first_look, stage, lambda *_: os.abort())
    with pytest.raises(DamagedMedia, match=r"film\.mp4 makes the decoder crash"):
        looked_at(film)


def test_a_film_that_crashed_is_met_again_in_a_child(film, monkeypatch):
    with monkeypatch.context() as crashing:
        crashing.setattr(first_look, "build_index", lambda *_: os.abort())
        with pytest.raises(DamagedMedia):
            looked_at(film)
    parent = os.getpid()
    build = first_look.build_index

    def elsewhere(*arguments):
        assert os.getpid() != parent
        return build(*arguments)

    monkeypatch.setattr(first_look, "build_index", elsewhere)
    info, index = looked_at(film)
    assert index.frame_count == 50
    assert info.video.codec == "h264"


def test_a_film_that_came_through_is_not_indexed_again(film, monkeypatch):
    first = looked_at(film)[1]
    monkeypatch.setattr(first_look, "build_index", lambda *_: os.abort())
    again = looked_at(film)[1]
    assert (again.pts == first.pts).all()
    assert (again.position == first.position).all()


def test_what_is_no_index_is_not_kept(film):
    info, _ = looked_at(film)
    with pytest.raises(ValueError, match="no frame index"):
        kept_index(info, "key", b"nothing", Forgetful())


class Forgetful:
    def get(self, kind, key):
        return None

    def put(self, kind, key, data):
        raise AssertionError("kept")
