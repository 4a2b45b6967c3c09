"""The sound that is sent to be written down: the same sound, smaller, and every moment where it was."""

from __future__ import annotations

import io
from dataclasses import replace
from fractions import Fraction

import av
import numpy as np
import pytest

from engine.control import CancelToken
from engine.errors import Cancelled, DamagedMedia, MissingMedia
from engine.media.probe import probe
from engine.media.speech_sound import RATE, SoundForm, speech_sound

SOURCE_RATE = 48_000


def film_with_clicks(path, at_s, *, length_s=2.0, gap=(0.0, 0.0)):
    """Write a film of silence with a click at each second given; the packets within the gap are missing."""
    samples = np.zeros(int(length_s * SOURCE_RATE), np.int16)
    for second in at_s:
        samples[int(second * SOURCE_RATE) : int(second * SOURCE_RATE) + 240] = 20_000
    with av.open(str(path), "w") as out:
        video = out.add_stream("mpeg4", rate=10)
        video.width = video.height = 64
        track = out.add_stream("pcm_s16le", rate=SOURCE_RATE, layout="mono")
        for number in range(int(length_s * 10)):
            out.mux(video.encode(av.VideoFrame.from_ndarray(np.zeros((64, 64, 3), np.uint8), format="rgb24")))
            first = number * SOURCE_RATE // 10
            if gap[0] <= number / 10 < gap[1]:
                continue
            block = samples[None, first : first + SOURCE_RATE // 10]
            frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(block), format="s16", layout="mono")
            frame.sample_rate, frame.pts, frame.time_base = SOURCE_RATE, first, Fraction(1, SOURCE_RATE)
            out.mux(track.encode(frame))
        out.mux(video.encode(None))
        out.mux(track.encode(None))
    return path


def heard(data: bytes) -> np.ndarray:
    with av.open(io.BytesIO(data)) as container:
        assert container.streams.audio[0].rate == RATE
        found = np.concatenate([frame.to_ndarray()[0] for frame in container.decode(audio=0)])
        return (found * 32_768 if found.dtype.kind == "f" else found).astype(int)


def clicks(samples: np.ndarray) -> list[float]:
    loud = np.flatnonzero(np.abs(samples) > 8_000)
    firsts = loud[np.flatnonzero(np.diff(loud, prepend=-RATE) > RATE // 20)]
    return [float(first) / RATE for first in firsts]


def test_every_moment_stands_where_it_was(tmp_path):
    path = film_with_clicks(tmp_path / "film.mkv", (0.25, 1.5))
    speech = speech_sound(path, probe(path).audio[0], SoundForm.LOSSLESS, CancelToken())
    samples = heard(speech.data)
    assert clicks(samples) == pytest.approx([0.25, 1.5], abs=0.005)
    assert samples.size == pytest.approx(2 * RATE, abs=2)
    assert (speech.start_s, speech.duration_ms) == (0, pytest.approx(2000, abs=1))


def test_a_gap_becomes_silence_and_moves_nothing(tmp_path):
    path = film_with_clicks(tmp_path / "film.mkv", (0.25, 1.5), gap=(0.5, 1.0))
    speech = speech_sound(path, probe(path).audio[0], SoundForm.LOSSLESS, CancelToken())
    assert clicks(heard(speech.data)) == pytest.approx([0.25, 1.5], abs=0.005)


def test_it_is_smaller_than_the_films_sound(tmp_path):
    path = film_with_clicks(tmp_path / "film.mkv", (0.25,))
    speech = speech_sound(path, probe(path).audio[0], SoundForm.LOSSLESS, CancelToken())
    assert len(speech.data) < 2 * SOURCE_RATE * 2 / 4


def test_what_cannot_be_heard_is_an_error(tmp_path):
    path = film_with_clicks(tmp_path / "film.mkv", ())
    sound = probe(path).audio[0]
    with pytest.raises(MissingMedia):
        speech_sound(tmp_path / "gone.mkv", sound, SoundForm.LOSSLESS, CancelToken())
    cancel = CancelToken()
    cancel.cancel()
    with pytest.raises(Cancelled):
        speech_sound(path, sound, SoundForm.LOSSLESS, cancel)
    with pytest.raises(DamagedMedia):
        speech_sound(path, replace(sound, stream=7), SoundForm.LOSSLESS, cancel)


def test_a_compact_file_is_an_eighth_and_keeps_the_times(tmp_path):
    path = film_with_clicks(tmp_path / "film.mkv", (0.5, 8.0), length_s=12.0)
    speech = speech_sound(path, probe(path).audio[0], SoundForm.COMPACT, CancelToken())
    assert speech.mime == "audio/mpeg"
    assert len(speech.data) < 12 * RATE * 2 / 7
    # What an encoder of MP3 puts in front, not every reader takes off again.
    assert clicks(heard(speech.data)) == pytest.approx([0.5, 8.0], abs=0.08)
    assert speech.duration_ms == 12_000
