"""A film of a board that moves, and a project of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.moving_films import FRAMES, pose, write_film
from tests.moving_textures import Board


@pytest.fixture(autouse=True)
def _own_cache(own_cache):
    pass


@pytest.fixture(scope="module")
def clip(tmp_path_factory) -> Path:
    board = Board(pose)
    return write_film(tmp_path_factory.mktemp("clip") / "film.mp4", (board.levels(t) for t in range(FRAMES)))


@pytest.fixture
def project(tmp_path, clip, run) -> Path:
    path = tmp_path / "film.dcut"
    assert run("new", path, clip)[0] == 0
    return path
