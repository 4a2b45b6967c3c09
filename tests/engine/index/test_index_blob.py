"""An index that comes from the cache is the one that was put there, or is built anew."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.control import CancelToken, Progress
from engine.index.index_blob import from_bytes, load_or_build, to_bytes
from engine.media.probe import probe
from engine.model.frame_index import FrameIndex
from tests.corpus.small_clips import Recipe, make
from tests.films import indexed

ARRAYS = tuple(name for name in FrameIndex.__slots__ if name not in ("codec", "time_base", "exact_timestamps"))


class ForgetfulCache:
    """A cache in memory that may be spoilt."""

    def __init__(self) -> None:
        self.kept: dict[tuple[str, str], bytes] = {}

    def get(self, kind: str, key: str) -> bytes | None:
        return self.kept.get((kind, key))

    def put(self, kind: str, key: str, data: bytes) -> None:
        self.kept[kind, key] = data


@pytest.fixture(scope="module")
def film(tmp_path_factory):
    path = make(tmp_path_factory.mktemp("film") / "a.mp4", Recipe(sounds=0))
    return path, *indexed(path)


def check_equal(one: FrameIndex | None, other: FrameIndex) -> None:
    assert one is not None
    assert (one.codec, one.time_base, one.exact_timestamps) == (other.codec, other.time_base, other.exact_timestamps)
    for name in ARRAYS:
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name), err_msg=name, strict=True)


def test_an_index_comes_back_as_it_was(film):
    check_equal(from_bytes(to_bytes(film[2])), film[2])


@given(data=st.data())
def test_a_damaged_index_is_none(film, data):
    blob = bytearray(to_bytes(film[2]))
    if data.draw(st.booleans()):
        blob[data.draw(st.integers(0, len(blob) - 1))] ^= data.draw(st.integers(1, 255))
    else:
        del blob[data.draw(st.integers(0, len(blob) - 1)) :]
    assert from_bytes(bytes(blob)) is None


def load(film, identity: str, cache: ForgetfulCache) -> FrameIndex:
    return load_or_build(film[0], film[1], identity, cache, Progress(), CancelToken())


def test_a_film_is_indexed_once(film, monkeypatch):
    cache = ForgetfulCache()
    check_equal(load(film, "abc", cache), film[2])
    monkeypatch.setattr("engine.index.index_blob.build_index", lambda *_: pytest.fail("it was built again"))
    check_equal(load(film, "abc", cache), film[2])


def test_another_file_has_another_index(film):
    cache = ForgetfulCache()
    load(film, "abc", cache)
    load(film, "def", cache)
    assert len(cache.kept) == 2


def test_a_spoilt_cache_is_silently_replaced(film):
    cache = ForgetfulCache()
    load(film, "abc", cache)
    (key,) = cache.kept
    good, cache.kept[key] = cache.kept[key], b"DCIX junk"
    check_equal(load(film, "abc", cache), film[2])
    assert cache.kept[key] == good


def test_a_stream_of_its_own_is_part_of_the_key(film):
    cache = ForgetfulCache()
    load(film, "abc", cache)
    assert all(f":{probe(film[0]).video.stream}:" in key for _, key in cache.kept)
