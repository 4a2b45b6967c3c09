"""Frames for the viewer are those of a plain reader, whoever asks in whatever order, and given up when unwanted."""

from __future__ import annotations

import random
from concurrent.futures import ThreadPoolExecutor

import pytest

from app.session.decoded import DecodedFrames
from engine.errors import Cancelled, MissingMedia
from engine.model.source import EvenTimes
from engine.render.film import Film
from tests.films import digest, indexed, reader


@pytest.fixture(scope="module")
def film(small_film) -> Film:
    return Film(small_film, *indexed(small_film), "identity")


@pytest.fixture(scope="module")
def digests(small_film) -> list[str]:
    with reader(small_film) as plain:
        return [digest(frame) for frame in plain.frames(0, 50)]


@pytest.fixture
def frames(film):
    made = DecodedFrames({"s": film}, {"s": EvenTimes(film.index.time_base, 0, 512, 50)}, most_bytes=1 << 20)
    yield made
    made.close()


def test_forwards_backwards_and_at_random(frames, digests):
    order = [*range(50), *range(49, -1, -1), *random.Random(3).choices(range(50), k=40)]
    for number in order:
        assert digest(frames.frame("s", number)) == digests[number]


def test_several_threads_share_the_decoders(frames, digests):
    places = random.Random(5).choices(range(50), k=80)
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda number: digest(frames.frame("s", number)), places))
    assert found == [digests[number] for number in places]


def test_beyond_an_end_the_last_frame_stands(frames, digests):
    assert digest(frames.frame("s", 500)) == digests[49]
    assert digest(frames.frame("s", -1)) == digests[0]


def test_decoding_stops_when_the_frame_is_no_longer_wanted(frames):
    asked = []

    def wanted() -> bool:
        asked.append(1)
        return len(asked) < 3

    frames.wanted_while(wanted)
    with pytest.raises(Cancelled):
        frames.frame("s", 9)
    frames.wanted_while(lambda: True)
    assert frames.frame("s", 9) is frames.frame("s", 9)


def test_a_source_that_is_not_at_hand_is_named(frames):
    with pytest.raises(MissingMedia, match="other"):
        frames.frame("other", 0)
