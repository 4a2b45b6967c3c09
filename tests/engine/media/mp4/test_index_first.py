"""The index of a film is put in front of its samples, and not a sample changes."""

from __future__ import annotations

import struct

import av
import pytest

from engine.control import CancelToken
from engine.errors import Cancelled, DamagedMedia
from engine.media.mp4.front import index_first
from tests.corpus.small_clips import Recipe, make
from tests.films import linear


@pytest.fixture(scope="module")
def film(tmp_path_factory):
    return make(tmp_path_factory.mktemp("film") / "film.mp4", Recipe(frames=30, gop=10))


def packets(path):
    with av.open(str(path)) as container:
        return [(p.stream.index, p.pts, p.dts, bytes(p)) for p in container.demux() if p.size]


def test_a_film_plays_as_before_with_its_index_in_front(film, tmp_path):
    data = film.read_bytes()
    assert data.index(b"mdat") < data.index(b"moov")
    assert index_first(film, tmp_path / "out.mp4", CancelToken())
    moved = (tmp_path / "out.mp4").read_bytes()
    assert moved.index(b"moov") < moved.index(b"mdat")
    assert len(moved) == len(data)
    assert packets(tmp_path / "out.mp4") == packets(film)
    assert linear(tmp_path / "out.mp4") == linear(film)


def test_a_film_whose_index_is_in_front_is_left_as_it_is(film, tmp_path):
    index_first(film, tmp_path / "once.mp4", CancelToken())
    assert not index_first(tmp_path / "once.mp4", tmp_path / "twice.mp4", CancelToken())
    assert not (tmp_path / "twice.mp4").exists()


def test_offsets_of_64_bits_are_moved_too(film, tmp_path):
    """A table of 32 bits is rewritten as one of 64 in place: the boxes around it grow by what it takes."""
    data = film.read_bytes()
    moov = data.index(b"moov") - 4
    head, index = data[:moov], bytearray(data[moov:])
    grown = 0
    while (at := index.find(b"stco")) >= 0:
        (count,) = struct.unpack_from(">I", index, at + 8)
        offsets = struct.unpack_from(f">{count}I", index, at + 12)
        table = struct.pack(">I", 16 + 8 * count) + b"co64" + struct.pack(f">II{count}Q", 0, count, *offsets)
        for kind in (b"moov", b"trak", b"mdia", b"minf", b"stbl"):
            holder = index.rfind(kind, 0, at) - 4
            (size,) = struct.unpack_from(">I", index, holder)
            struct.pack_into(">I", index, holder, size + 4 * count)
        index[at - 4 : at + 12 + 4 * count] = table
        grown += 1
    assert grown == 2
    (tmp_path / "wide.mp4").write_bytes(head + index)
    assert packets(tmp_path / "wide.mp4") == packets(film)
    assert index_first(tmp_path / "wide.mp4", tmp_path / "out.mp4", CancelToken())
    assert packets(tmp_path / "out.mp4") == packets(film)


@pytest.mark.parametrize("data", [b"", b"nonsense", struct.pack(">I4s", 8, b"ftyp")])
def test_what_is_no_film_is_refused(tmp_path, data):
    (tmp_path / "odd.mp4").write_bytes(data)
    with pytest.raises(DamagedMedia):
        index_first(tmp_path / "odd.mp4", tmp_path / "out.mp4", CancelToken())


def test_a_table_that_claims_too_much_is_refused(film, tmp_path):
    data = bytearray(film.read_bytes())
    at = data.index(b"stco")
    struct.pack_into(">I", data, at + 8, 1 << 30)
    (tmp_path / "odd.mp4").write_bytes(data)
    with pytest.raises(DamagedMedia, match="chunks"):
        index_first(tmp_path / "odd.mp4", tmp_path / "out.mp4", CancelToken())


def test_it_can_be_stopped(film, tmp_path):
    cancel = CancelToken()
    cancel.cancel()
    with pytest.raises(Cancelled):
        index_first(film, tmp_path / "out.mp4", cancel)
