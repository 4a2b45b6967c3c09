"""A copy that is made early is the copy that patching asks for, or it is gone."""

from __future__ import annotations

from dataclasses import replace

import pytest

from engine.control import CancelToken, Progress
from engine.errors import SourceChanged
from engine.media.mp4 import layout
from engine.media.mp4.early import copied_early, first_layout
from engine.media.mp4.edit import CannotPatch
from engine.media.mp4.movie import read_movie
from engine.media.mp4.patch import PatchReport, patch


@pytest.fixture(autouse=True)
def any_size_is_worth_it(monkeypatch):
    monkeypatch.setattr(layout, "SECOND_SLOT_FROM", 1)


@pytest.fixture(params=[False, True], ids=["header last", "header first"])
def movie(request, make, tmp_path):
    track = make.track(durations=[20] * 400, sizes=[500] * 400, keys=[1])
    return read_movie(make.film([track], front=request.param).write(tmp_path / "film.mp4", bytes(range(250)) * 800))


def units(make, movie, start, stop):
    return make.new_units(movie, 1, start, stop, b"n")


def test_patching_an_early_copy_gives_the_file_that_patching_alone_gives(make, movie, tmp_path):
    splices = [units(make, movie, 5, 9), units(make, movie, 40, 44)]
    alone, early = tmp_path / "alone.mp4", tmp_path / "early.mp4"
    assert isinstance(patch(movie, 1, splices, None, alone, b"id", Progress(), CancelToken()), PatchReport)
    with copied_early(movie, early) as copy:
        assert copy is not None
        report = patch(movie, 1, splices, None, early, b"id", Progress(), CancelToken(), copy)
        assert isinstance(report, PatchReport)
        copy.taken()
    assert early.read_bytes() == alone.read_bytes()


def test_a_copy_that_does_not_fit_the_patch_is_made_again(make, movie, tmp_path):
    splices = [units(make, movie, 5, 300)]
    alone, early = tmp_path / "alone.mp4", tmp_path / "early.mp4"
    patch(movie, 1, splices, None, alone, b"id", Progress(), CancelToken())
    with copied_early(movie, early) as copy:
        patch(movie, 1, splices, None, early, b"id", Progress(), CancelToken(), copy)
    assert early.read_bytes() == alone.read_bytes()


def test_a_copy_is_removed_where_the_film_cannot_be_patched(make, movie, tmp_path):
    early = tmp_path / "early.mp4"
    with copied_early(movie, early) as copy:
        locked = replace(movie, encrypted=True)
        found = patch(locked, 1, [units(make, movie, 5, 9)], None, early, b"id", Progress(), CancelToken(), copy)
        assert isinstance(found, CannotPatch)
        assert not early.exists()


def test_a_source_that_changes_meanwhile_is_told_when_its_copy_is_taken(make, movie, tmp_path):
    data = bytearray(movie.path.read_bytes())
    data[movie.moov_start + 40] ^= 1
    movie.path.write_bytes(data)
    early = tmp_path / "early.mp4"
    with copied_early(movie, early) as copy, pytest.raises(SourceChanged):
        patch(movie, 1, [units(make, movie, 5, 9)], None, early, b"id", Progress(), CancelToken(), copy)
    assert not early.exists()


def test_a_copy_on_its_way_is_given_up_at_the_end(movie, tmp_path):
    with copied_early(movie, tmp_path / "early.mp4") as copy:
        assert copy is not None
    size = (tmp_path / "early.mp4").stat().st_size if (tmp_path / "early.mp4").exists() else 0
    assert size <= movie.size + 2 * len(movie.moov) + (1 << 16)
    assert not isinstance(first_layout(movie), CannotPatch)


def test_small_films_are_not_worth_a_thread(movie, tmp_path, monkeypatch):
    monkeypatch.setattr(layout, "SECOND_SLOT_FROM", movie.size + 1)
    with copied_early(movie, tmp_path / "early.mp4") as copy:
        assert copy is None
    assert not (tmp_path / "early.mp4").exists()
