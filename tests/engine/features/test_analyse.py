"""Measuring films: one pass, kept run by run, stopped and gone on with; and films that are unusual."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

import av
import numpy as np
import pytest
from av.audio.frame import AudioFrame
from av.video.frame import VideoFrame

from engine.control import CancelToken, Progress
from engine.errors import Cancelled, DamagedMedia
from engine.features import analyse as module
from engine.features.analyse import AnalysedFilm, analyse
from engine.features.film_features import features_of
from engine.features.measures import PICTURE_ROWS
from engine.features.speech import Basis
from engine.features.speech_scores import SpeechDetector, SpeechScorer
from engine.media.analysis import SmallPictures, small, spans
from engine.media.analysis_sound import VOICE_RATE, WIDE_RATE, sound_blocks
from engine.model.source import source_from_media
from engine.model.time import Range
from tests.corpus.small_clips import Recipe, make
from tests.films import indexed
from tests.shots import Shot, film


class Kept(dict):
    """A cache that counts what is put into it."""

    def get(self, kind, key):
        return super().get((kind, key))

    def put(self, kind, key, data):
        self[kind, key] = data


def analysed(path, cache=None, cancel=None, progress=None):
    info, index = indexed(path)
    found = AnalysedFilm(path, info, index, path.name)
    return analyse(found, Kept() if cache is None else cache, progress or Progress(), cancel or CancelToken())


def features(path):
    info, index = indexed(path)
    times = source_from_media("s", path.name, info, index).picture.times
    return features_of(analysed(path), times, None, {})


@pytest.fixture(scope="module")
def cut_film(tmp_path_factory):
    """A film of 320x180 with cuts at 45 and 90, a key frame every 30."""
    path = tmp_path_factory.mktemp("film") / "cut.mp4"
    plan = [{"shot": Shot(n, 320, 180, speed=(2.0, 0.0)), "frames": 45} for n in range(3)]
    with av.open(str(path), "w") as out:
        stream = out.add_stream("libx264", rate=25, options={"g": "30", "sc_threshold": "0", "preset": "veryfast"})
        stream.width, stream.height, stream.pix_fmt = 320, 180, "yuv420p"
        for number, planes in enumerate(film(plan, 320, 180)):
            frame = VideoFrame(320, 180, "yuv444p")
            for plane, values in zip(frame.planes, np.moveaxis(planes, 2, 0), strict=True):
                plane.update(np.pad(values, ((0, 0), (0, plane.line_size - 320))).tobytes())
            frame = frame.reformat(format="yuv420p")
            frame.pts, frame.time_base = number, Fraction(1, 25)
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    return path


def test_cuts_of_a_coded_film_are_on_their_frames(cut_film):
    found = features(cut_film)
    assert [item.frames.start for item in found.transitions] == [45, 90]
    assert [shot.frames for shot in found.shots] == [Range(0, 45), Range(45, 90), Range(90, 135)]


def test_runs_measured_beside_each_other_join_to_the_same_as_one_run(cut_film, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(module, "_least_span", lambda count: 10_000)
        whole = analysed(cut_film).measures.picture
    monkeypatch.setattr(module, "_least_span", lambda count: 30)
    cache = Kept()
    parts = analysed(cut_film, cache).measures.picture
    assert len([key for key in cache if key[0] == "feature-pictures"]) > 2
    for name in PICTURE_ROWS:
        if name != "text":  # looked at now and then, counted from each run's start
            assert getattr(parts, name) == pytest.approx(getattr(whole, name), abs=2e-3), name


def test_what_was_measured_is_not_decoded_again(cut_film, monkeypatch):
    cache = Kept()
    first = analysed(cut_film, cache).measures.picture
    monkeypatch.setattr(SmallPictures, "pictures", lambda *_: pytest.fail("decoded again"))
    again = analysed(cut_film, cache).measures.picture
    assert again.unexplained == pytest.approx(first.unexplained, abs=1e-3)


def test_a_stopped_analysis_keeps_its_runs_and_a_damaged_one_is_measured_again(cut_film, monkeypatch):
    monkeypatch.setattr(module, "_least_span", lambda count: 30)
    monkeypatch.setattr(module.os, "cpu_count", lambda: 1)
    cancel, cache = CancelToken(), Kept()

    def stop(state):
        if state.fraction > 0.5:
            cancel.cancel()

    with pytest.raises(Cancelled):
        analysed(cut_film, cache, cancel, Progress(stop))
    kept = dict(cache)
    assert 0 < len(kept) < len(spans(indexed(cut_film)[1], 30))
    key = next(iter(kept))
    cache[key] = b"broken"
    analysed(cut_film, cache)
    assert cache[key] == kept[key]
    assert len(cache) == len(spans(indexed(cut_film)[1], 30))


def test_frames_come_numbered_from_any_run(cut_film):
    info, index = indexed(cut_film)
    with SmallPictures(cut_film, info, index) as reader:
        for frames in (Range(60, 90), Range(0, 20), Range(119, 135)):
            assert [picture.frame for picture in reader.pictures(frames, CancelToken())] == list(frames)


@pytest.mark.parametrize("pix_fmt", ["yuv420p", "yuv422p10le", "gray", "nv12", "rgb24", "gbrp", "yuyv422", "p010le"])
def test_small_pictures_have_the_same_brightness_in_every_format(pix_fmt):
    ramp = np.repeat(np.linspace(20, 230, 1280, dtype=np.uint8)[None], 720, 0)
    frame = VideoFrame.from_ndarray(np.stack([ramp] * 3, 2), format="rgb24").reformat(format=pix_fmt)
    picture = small(7, frame)
    assert (picture.frame, picture.luma.shape, picture.luma.dtype) == (7, (360, 640), np.uint8)
    assert all(plane.shape[0] <= 180 for plane in picture.chroma)
    # Full or limited range, the ramp goes from dark to bright.
    assert picture.luma[100, 5] < 50 < 180 < picture.luma[100, 630]


def test_runs_cover_the_film_and_begin_where_a_decoder_may_start(cut_film):
    _, index = indexed(cut_film)
    found = spans(index, 30)
    assert [found[0].start, found[-1].stop] == [0, 135]
    assert all(one.stop == other.start for one, other in pairwise(found))
    assert all(len(run) >= 15 for run in found)
    assert spans(index, 10_000) == (Range(0, 135),)


# --- unusual films ---------------------------------------------------------------------------------------------------


def with_sound(path, samples, layout, *, frames=50, gap=None):
    """Write a film with float sound [channels, n] at 48 kHz; gap: samples that are left out of the times."""
    recipe = Recipe(frames=frames, sounds=0)
    make(path.with_suffix(".mute.mp4"), recipe)
    with av.open(str(path.with_suffix(".mute.mp4"))) as source, av.open(str(path), "w") as out:
        video = out.add_stream_from_template(source.streams.video[0])
        sound = out.add_stream("pcm_s16le", rate=48_000, layout=layout)
        for packet in source.demux(source.streams.video[0]):
            if packet.size:
                packet.stream = video
                out.mux(packet)
        for first in range(0, samples.shape[1], 4800):
            if gap is not None and gap[0] <= first < gap[1]:
                continue
            part = np.clip(np.rint(samples[:, first : first + 4800] * 32767), -32768, 32767).astype(np.int16)
            frame = AudioFrame.from_ndarray(np.ascontiguousarray(part.T.reshape(1, -1)), format="s16", layout=layout)
            frame.sample_rate, frame.pts, frame.time_base = 48_000, first, Fraction(1, 48_000)
            out.mux(sound.encode(frame))
        out.mux(sound.encode(None))
    return path


def noise(channels, seconds=2):
    return 0.1 * np.random.default_rng(1).normal(0, 1, (channels, 48_000 * seconds))


def test_a_film_without_sound_says_so(tmp_path):
    found = features(make(tmp_path / "mute.mp4", Recipe(sounds=0)))
    assert found.speech.basis is Basis.NOTHING
    assert found.notes == ("there is no sound",)
    assert set(found.energy.scores) == {"motion", "cut rate"}


def test_eight_channels_are_measured(tmp_path):
    path = with_sound(tmp_path / "many.mov", noise(8), "7.1")
    sound = analysed(path).measures.sound
    assert sound.channels == 8
    assert sound.duration_s == pytest.approx(2.0, abs=0.11)
    loud = features(path).loudness_lufs
    # Seven channels that count, four of them 1.5 dB more, each at -20 dB: 10 log10(3 + 4 * 1.41) above one.
    one = features(with_sound(tmp_path / "one.mov", noise(8)[:1], "mono")).loudness_lufs
    assert loud - one == pytest.approx(10 * np.log10(3 + 4 * 10**0.15), abs=0.3)


def test_silence_is_silent(tmp_path):
    found = features(with_sound(tmp_path / "silent.mov", np.zeros((2, 96_000)), "stereo"))
    assert found.loudness_lufs is None
    assert found.notes == ("nobody speaks",)
    assert not found.energy.scores["loudness"].any()


def test_one_frame_is_a_film(tmp_path):
    found = features(make(tmp_path / "one.mp4", Recipe(frames=1, sounds=0)))
    assert [shot.frames for shot in found.shots] == [Range(0, 1)]
    assert found.transitions == ()


def test_a_gap_in_the_sound_is_silence_so_that_positions_stay_times(tmp_path):
    path = with_sound(tmp_path / "gap.mkv", noise(1, 3), "mono", gap=(48_000, 96_000))
    info, _ = indexed(path)
    blocks = list(sound_blocks(path, info.audio[0], CancelToken()))
    whole = np.concatenate([block.wide for block in blocks], axis=1)[0]
    assert whole.size == pytest.approx(3 * WIDE_RATE, abs=2400)
    assert np.abs(whole[50_000:94_000]).max() == 0
    assert np.abs(whole[97_000:140_000]).mean() > 0.05
    assert sum(block.voice.size for block in blocks) == pytest.approx(3 * VOICE_RATE, abs=800)


def test_times_of_a_variable_rate_are_the_frames_own(tmp_path):
    path = tmp_path / "vfr.mp4"
    with av.open(str(path), "w") as out:
        stream = out.add_stream("libx264", rate=30)
        stream.width, stream.height, stream.pix_fmt = 160, 96, "yuv420p"
        stream.codec_context.time_base = Fraction(1, 600)
        at = 0
        for number in range(40):
            frame = VideoFrame.from_ndarray(np.full((96, 160, 3), 40 if number < 20 else 200, np.uint8), format="rgb24")
            frame.pts, frame.time_base = at, Fraction(1, 600)
            at += 20 if number % 3 else 50
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    found = features(path)
    assert [item.frames.start for item in found.transitions] == [20]
    assert found.frame_times_s[20] == pytest.approx((13 * 20 + 7 * 50) / 600)


def test_a_film_whose_pictures_do_not_decode_is_refused(tmp_path):
    path = make(tmp_path / "film.mp4", Recipe(sounds=0))
    info, index = indexed(path)
    data = bytearray(path.read_bytes())
    start = data.find(b"mdat") + 4
    for at, size in zip(index.position.tolist(), index.size.tolist(), strict=True):
        data[at + 5 : at + size] = bytes(size - 5)
    assert start > 4
    path.write_bytes(data)
    with pytest.raises(DamagedMedia):
        analyse(AnalysedFilm(path, info, index, "x"), Kept(), Progress(), CancelToken())


def test_sound_that_does_not_decode_is_told_and_the_pictures_are_still_measured(tmp_path, monkeypatch):
    def broken(path, stream, detector, cancel):
        raise DamagedMedia(f"{path.name}: nothing decodes")

    monkeypatch.setattr(module, "measure_sound", broken)
    path = with_sound(tmp_path / "film.mov", noise(1), "mono")
    found = analysed(path)
    assert found.measures.sound is None
    assert found.measures.picture.count == 50
    assert found.troubles == ("its sound cannot be measured: film.mov: nothing decodes",)


def test_another_detector_adds_its_scores_to_what_is_kept_and_nothing_else_is_measured_again(tmp_path, monkeypatch):
    path = with_sound(tmp_path / "film.mov", noise(1), "mono")
    info, index = indexed(path)
    cache = Kept()

    def measured(detector):
        before = set(cache)
        film = AnalysedFilm(path, info, index, "x")
        found = analyse(film, cache, Progress(), CancelToken(), detector)
        return found.measures.sound, {kind for kind, _ in set(cache) - before}

    classic, kinds = measured(SpeechDetector.CLASSIC)
    assert classic.speech_scores is None
    assert "feature-speech" not in kinds
    monkeypatch.setattr(module, "measure_sound", None)
    neural, kinds = measured(SpeechDetector.NEURAL)
    assert kinds == {"feature-speech"}
    assert neural.speech_scores.size == pytest.approx(neural.duration_s / 0.032, abs=1)
    monkeypatch.setattr(module, "score_speech", None)
    again, kinds = measured(SpeechDetector.NEURAL)
    assert not kinds
    assert again.speech_scores == pytest.approx(neural.speech_scores, abs=0.001)
    assert measured(SpeechDetector.CLASSIC)[0].speech_scores is None


def test_one_pass_measures_and_scores(tmp_path):
    path = with_sound(tmp_path / "film.mov", noise(1), "mono")
    info, index = indexed(path)
    cache = Kept()
    film = AnalysedFilm(path, info, index, "x")
    found = analyse(film, cache, Progress(), CancelToken(), SpeechDetector.NEURAL).measures.sound
    assert {"feature-sound", "feature-speech"} <= {kind for kind, _ in cache}
    scorer = SpeechScorer()
    for block in sound_blocks(path, info.audio[0], CancelToken()):
        scorer.take(block.voice)
    assert found.speech_scores == pytest.approx(scorer.result(), abs=1e-6)


@pytest.mark.media
def test_the_cuts_of_a_published_film_are_found(media):
    found = features(media / "scenecuts_bikes.mp4")
    assert [shot.frames.start for shot in found.shots] == [0, 30, 76, 137, 187, 242]
