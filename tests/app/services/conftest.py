"""Services on loopback, folders of the test's own, and a project of a film of a wall."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.app.services.wall import make_clip
from tests.fakes.at_hand import at_hand, without_own_keys
from tests.fakes.media import FAITHFUL


@pytest.fixture(autouse=True)
def own_folders(tmp_path, monkeypatch):
    without_own_keys(monkeypatch)
    monkeypatch.setenv("DELTACUT_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("DELTACUT_DATA", str(tmp_path / "data"))


@pytest.fixture
def world(monkeypatch):
    with at_hand(monkeypatch, drift=FAITHFUL, video_height=192) as services:
        yield services


@pytest.fixture(scope="module")
def clip(tmp_path_factory) -> Path:
    return make_clip(tmp_path_factory.mktemp("clip") / "film.mp4")


@pytest.fixture
def project(tmp_path, clip, run) -> Path:
    path = tmp_path / "film.dcut"
    assert run("new", path, clip)[0] == 0
    return path
