"""Two MP4 files are compared by their tables and bytes, with the same result as packet by packet."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from engine.control import CancelToken, Progress
from engine.errors import Cancelled
from engine.media import movie_survey
from engine.media.film_file import open_film
from engine.media.movie_survey import agrees, paired_movies, tables_of
from engine.media.survey import Reading, Survey, survey
from tests.corpus.mutate import replaced, rewritten
from tests.corpus.small_clips import Recipe, make

ROWS = ("pts", "dts", "duration", "size", "key", "hidden")
NEVER_GIVEN = {"data", "subtitle"}


def by_tables(source: Path, out: Path, inherited_bytes: int = 0) -> tuple[Survey, Survey] | None:
    with open_film(source) as a, open_film(out) as b:
        theirs, ours = tables_of(a.path), tables_of(b.path)
        if theirs is None:
            return None
        paired = paired_movies(a, theirs, b, ours)
        if paired is None or not (agrees(a, theirs) and agrees(b, ours)):
            return None
        return paired.surveys(paired.compared(inherited_bytes, Progress(), CancelToken()))


def by_demuxing(path: Path) -> Survey:
    with open_film(path) as film:
        return survey(film, Reading.BYTES, Progress(), CancelToken())


def flipped_at(ordinal: int, stream: int):
    def change(packets):
        at = [i for i, packet in enumerate(packets) if packet.stream_index == stream][ordinal]
        data = bytearray(bytes(packets[at]))
        data[-3] ^= 1
        packets[at] = replaced(packets[at], bytes(data))
        return packets

    return change


@pytest.fixture(scope="module")
def film(tmp_path_factory):
    return make(tmp_path_factory.mktemp("movie") / "film.mp4", Recipe(sounds=2))


def test_a_file_equals_itself(film):
    found = by_tables(film, film)
    assert found is not None
    for theirs, ours in zip(found[0].tracks, found[1].tracks, strict=True):
        assert np.array_equal(theirs.rows.digest, ours.rows.digest)


def test_the_tables_give_the_packets_that_a_demuxer_gives(film):
    found = by_tables(film, film)
    assert found is not None
    for tables, demuxed in zip(found[0].tracks, by_demuxing(film).tracks, strict=True):
        for name in ROWS:
            assert np.array_equal(getattr(tables.rows, name), getattr(demuxed.rows, name)), name


@pytest.mark.parametrize("ordinal", [0, 12, 49])
@pytest.mark.parametrize("stream", [0, 1, 2])
def test_one_changed_byte_is_found_in_its_packet(film, tmp_path, ordinal, stream):
    out = rewritten(film, tmp_path / "out.mp4", flipped_at(ordinal, stream))
    found = by_tables(film, out)
    assert found is not None
    for theirs, ours in zip(found[0].tracks, found[1].tracks, strict=True):
        differing = np.flatnonzero(theirs.rows.digest != ours.rows.digest)
        assert differing.tolist() == ([ordinal] if theirs.stream == stream else [])


@pytest.mark.parametrize(("part", "piece"), [(1 << 25, 100), (1000, 100), (777, 1 << 20), (4096, 4096)])
@pytest.mark.parametrize("ordinal", [0, 12, 49])
def test_a_changed_byte_is_found_however_the_bytes_are_divided(film, tmp_path, monkeypatch, part, piece, ordinal):
    out = rewritten(film, tmp_path / "out.mp4", flipped_at(ordinal, 0))
    monkeypatch.setattr(movie_survey, "_PART", part)
    monkeypatch.setattr(movie_survey, "_PIECE", piece)
    found = by_tables(film, out)
    assert found is not None
    for theirs, ours in zip(found[0].tracks, found[1].tracks, strict=True):
        differing = np.flatnonzero(theirs.rows.digest != ours.rows.digest)
        assert differing.tolist() == ([ordinal] if theirs.stream == 0 else [])


def test_bytes_that_were_checked_before_are_not_read_again(film, tmp_path):
    out = rewritten(film, tmp_path / "out.mp4", flipped_at(12, 0))
    found = by_tables(film, out, out.stat().st_size)
    assert found is not None
    assert np.array_equal(found[0].video.rows.digest, found[1].video.rows.digest)


def test_files_whose_tables_do_not_tell_all_are_left_to_the_demuxer(film, tmp_path):
    fragmented = make(tmp_path / "film.mp4", Recipe(muxing={"movflags": "frag_keyframe+empty_moov"}))
    assert by_tables(fragmented, fragmented) is None
    assert by_tables(film, fragmented) is None
    other = make(tmp_path / "film.mkv")
    assert by_tables(other, other) is None


def test_comparing_stops_on_request(film):
    cancel = CancelToken()
    cancel.cancel()
    with open_film(film) as a, open_film(film) as b:
        paired = paired_movies(a, tables_of(film), b, tables_of(film))
        with pytest.raises(Cancelled):
            paired.compared(0, Progress(), cancel)


@pytest.mark.media
def test_real_films_give_the_packets_that_a_demuxer_gives(media):
    compared = 0
    for path in sorted(media.iterdir()):
        found = by_tables(path, path) if path.suffix in (".mp4", ".mov") else None
        if found is None:
            continue
        compared += 1
        for tables, demuxed in zip(found[0].tracks, by_demuxing(path).tracks, strict=True):
            if tables.kind in NEVER_GIVEN and not len(demuxed.rows):
                continue
            for name in ROWS:
                assert np.array_equal(getattr(tables.rows, name), getattr(demuxed.rows, name)), (path.name, name)
    assert compared > 25
