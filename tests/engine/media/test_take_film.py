"""Films that a project keeps as takes, and the films that services send."""

from __future__ import annotations

import io
import random
import threading

import av
import numpy as np
import pytest

from engine.control import CancelToken
from engine.errors import Cancelled, DamagedMedia, DeltacutError, PictureError
from engine.media.generated_film import pictures_at
from engine.media.take_film import TakeFilm, take_film

COUNT, WIDTH, HEIGHT = 9, 22, 14


def drawings() -> list[np.ndarray]:
    noise = np.random.default_rng(5)
    return [noise.integers(0, 256, (HEIGHT, WIDTH, 4), np.uint8) for _ in range(COUNT)]


@pytest.fixture(scope="module")
def kept() -> bytes:
    return take_film(iter(drawings()), CancelToken())


@pytest.fixture(scope="module")
def sent() -> bytes:
    """An MP4 of 10 pictures, each a grey of its own."""
    buffer = io.BytesIO()
    with av.open(buffer, "w", format="mp4") as out:
        stream = out.add_stream("libx264", rate=24, options={"crf": "4", "bf": "2"})
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for number in range(10):
            grey = np.full((48, 64, 3), 30 + 20 * number, np.uint8)
            out.mux(stream.encode(av.VideoFrame.from_ndarray(grey, format="rgb24")))
        out.mux(stream.encode(None))
    return buffer.getvalue()


def greys(data: bytes, shares: list[float]) -> list[int]:
    return [round((picture.mean() - 30) / 20) for picture in pictures_at(data, shares, CancelToken())]


def test_a_film_comes_back_picture_by_picture_in_any_order_transparency_and_all(kept):
    film = TakeFilm(kept, "the film")
    order = [0, 1, 2, 8, 3, 3, 7, 0, 5]
    wanted = drawings()
    for number in order:
        assert np.array_equal(film.picture(number).rgba, wanted[number])
    film.close()


@pytest.mark.parametrize("number", [-1, COUNT, COUNT + 50])
def test_beyond_its_ends_a_film_has_no_picture(kept, number):
    assert TakeFilm(kept, "the film").picture(number) is None


def test_several_threads_read_one_film(kept):
    film, wanted, wrong = TakeFilm(kept, "the film"), drawings(), []

    def read(seed: int) -> None:
        chance = random.Random(seed)
        for _ in range(30):
            number = chance.randrange(COUNT)
            if not np.array_equal(film.picture(number).rgba, wanted[number]):
                wrong.append(number)

    threads = [threading.Thread(target=read, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_a_film_of_nothing_is_refused():
    with pytest.raises(PictureError, match="at least one"):
        take_film(iter(()), CancelToken())


def test_making_a_film_can_be_stopped():
    cancel = CancelToken()
    cancel.cancel()
    with pytest.raises(Cancelled):
        take_film(iter(drawings()), cancel)


def test_what_is_no_film_is_refused():
    with pytest.raises(PictureError, match="the film"):
        TakeFilm(b"\x89PNG nonsense", "the film")


def test_damaged_films_give_our_errors_or_pictures(kept, sent):
    chance = random.Random(11)
    for number in range(120):
        data = bytearray(kept if number % 2 else sent)
        for _ in range(chance.randint(1, 20)):
            data[chance.randrange(len(data))] = chance.randrange(256)
        data = bytes(data[: chance.randint(1, len(data))])
        try:
            if number % 2:
                film = TakeFilm(data, "the film")
                for wanted in range(COUNT):
                    film.picture(wanted)
            else:
                list(pictures_at(data, [0.0, 0.5, 1.0], CancelToken()))
        except DeltacutError:
            pass


def test_pictures_are_taken_at_shares_of_the_way(sent):
    assert greys(sent, [0.0, 0.5, 1.0]) in ([0, 4, 9], [0, 5, 9])
    assert greys(sent, [number / 9 for number in range(10)]) == list(range(10))


def test_a_film_with_fewer_pictures_than_are_wanted_repeats_them_in_order(sent):
    found = greys(sent, [number / 29 for number in range(30)])
    assert found == sorted(found)
    assert set(found) == set(range(10))


def test_a_film_without_pictures_is_refused():
    buffer = io.BytesIO()
    with av.open(buffer, "w", format="wav") as out:
        stream = out.add_stream("pcm_s16le", rate=8000, layout="mono")
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 800), np.int16), format="s16", layout="mono")
        frame.sample_rate = 8000
        out.mux(stream.encode(frame))
    with pytest.raises(DamagedMedia, match="no picture"):
        list(pictures_at(buffer.getvalue(), [0.0], CancelToken()))
