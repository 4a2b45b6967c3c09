"""Cut sound tracks of copied packets: clicks against flashes, packets against the source's."""

from __future__ import annotations

import sys
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from engine.control import CancelToken, Progress
from engine.media.sound_packets import opus_samples, raw_packet
from engine.model.edits import AddSource, AppendClip, ExtractClips
from engine.model.project import Project
from engine.model.recipe import recipe_runs
from engine.model.source import source_from_media
from engine.model.storyline import Clip, Native
from engine.model.time import Range
from engine.render.film import Film
from engine.render.timeline import Timeline, reference_of
from engine.render.timeline_export import export_timeline, plan_of_timeline
from tests.films import indexed

RATE, FPS = 48000, 25
PER_FRAME = RATE // FPS
COUNT = 220
FLASHES = tuple(range(4, COUNT, 13))
LATE = 1700
"""Samples from a flash's first to its click: more than a packet, since so much may be left out at a join."""

CUTS = ((0, 0, 41), (0, 95, 151), (0, 56, 90), (0, 147, 199), (0, 4, 33), (0, 173, 220), (0, 30, 69))
# Some clips begin with a flash: its click stands in what is encoded behind the join.
SECRET = np.random.default_rng(7).standard_normal(96).astype(np.float32) * 0.25


class Kept(dict):
    def get(self, kind: str, key: str) -> bytes | None:
        return super().get((kind, key))

    def put(self, kind: str, key: str, value: bytes) -> None:
        self[kind, key] = value


def wave() -> np.ndarray:
    """Return a soft tone with a burst of noise behind every flash, float32 [n]."""
    result = (0.02 * np.sin(np.arange(COUNT * PER_FRAME) * 2 * np.pi * 330 / RATE)).astype(np.float32)
    for frame in FLASHES:
        result[frame * PER_FRAME + LATE :][: SECRET.size] += SECRET
    return result


def film(path: Path, codec: str) -> Film:
    """Write a film with a white frame and a click at every one of FLASHES."""
    with av.open(str(path), "w") as out:
        video = out.add_stream("libx264", rate=FPS, options={"g": "25", "bf": "2", "preset": "ultrafast"})
        video.width, video.height, video.pix_fmt = 64, 48, "yuv420p"
        sound = out.add_stream(codec, rate=RATE, layout="mono", bit_rate=128000)
        frame_size = sound.codec_context.frame_size or 1024
        resampler = av.AudioResampler(sound.codec_context.format.name, "mono", RATE)
        for number in range(COUNT):
            luma = np.full((48, 64), 235 if number in FLASHES else 40 + number % 7 * 4, np.uint8)
            planes = np.concatenate([luma.ravel(), np.full(2 * 24 * 32, 128, np.uint8)]).reshape(72, 64)
            frame = av.VideoFrame.from_ndarray(planes, format="yuv420p")
            frame.pts = number
            out.mux(video.encode(frame))
        out.mux(video.encode())
        samples = wave()
        for at in range(0, samples.size, frame_size):
            block = av.AudioFrame.from_ndarray(samples[None, at : at + frame_size], format="fltp", layout="mono")
            block.sample_rate, block.pts = RATE, at
            for converted in resampler.resample(block):
                out.mux(sound.encode(converted))
        out.mux(sound.encode())
    return Film(path, *indexed(path), identity="f" * 40)


def project_of(*films: Film) -> Project:
    sources = [source_from_media(str(n), film.path.name, film.info, film.index) for n, film in enumerate(films)]
    project = Project.of_source("p", sources[0])
    for source in sources[1:]:
        project = AddSource(source).apply(project)
    return ExtractClips((project.storyline[0].id,)).apply(project)


def cut(project: Project, out: Path, *films: Film, cuts=CUTS):
    for number, (source, start, stop) in enumerate(cuts):
        project = AppendClip(Clip(f"clip {number}", str(source), Native(Range(start, stop)))).apply(project)
    runs = recipe_runs(project)
    timeline = Timeline(project, {str(n): film for n, film in enumerate(films)}, runs, reference_of(project, runs))
    return export_timeline(timeline, lambda _: None, out, Kept(), Progress(), CancelToken())


def heard(path: Path) -> np.ndarray:
    """Return the sound as a player gives it, every frame at its time: float32 [n], sample 0 with the first picture."""
    with av.open(str(path)) as container:
        picture, track = container.streams.video[0], container.streams.audio[0]
        start = min(p.pts for p in container.demux(picture) if p.pts is not None) * picture.time_base
        container.seek(0)
        exact = track.time_base <= Fraction(1, RATE)
        result = np.zeros(RATE * 30, np.float32)
        at = None
        for frame in container.decode(track):
            given = round((frame.pts * track.time_base - start) * RATE)
            # Matroska's times are rounded to milliseconds: samples are counted, and what is dropped is dropped already.
            at = given if at is None or exact or abs(given - at) > RATE // 50 else at
            block = frame.to_ndarray().astype(np.float32).reshape(-1)
            block = block / 32768 if frame.format.name.startswith("s16") else block
            result[max(0, at) : max(0, at + block.size)] = block[max(0, -at) :]
            at += block.size
    return result


def counted(path: Path) -> np.ndarray:
    """Return the sound as a player gives it that looks at no time behind the first."""
    with av.open(str(path)) as container:
        blocks = [f.to_ndarray().astype(np.float32).reshape(-1) for f in container.decode(audio=0)]
    return np.concatenate(blocks)


def offsets(sound: np.ndarray, frames: list[int], reach: int = 1200) -> list[int]:
    """Return by how many samples the click of each flash comes late; the place is where it is most like itself."""
    result = []
    for frame in frames:
        wanted = frame * PER_FRAME + LATE
        start = max(0, wanted - reach)
        part = sound[start : wanted + reach + SECRET.size]
        likeness = np.correlate(part - part.mean(), SECRET, "valid")
        result.append(int(likeness.argmax()) + start - wanted)
    return result


def packets(path: Path) -> list[bytes]:
    with av.open(str(path)) as container:
        return [raw_packet(bytes(p)) for p in container.demux(container.streams.audio[0]) if p.size]


def flashes_of(cuts=CUTS) -> list[int]:
    return [n for n, frame in enumerate(f for _, a, b in cuts for f in range(a, b)) if frame in FLASHES]


@pytest.mark.parametrize(
    ("codec", "suffix"), [("aac", ".mp4"), ("aac", ".mkv"), ("aac", ".ts"), ("ac3", ".mp4"), ("mp2", ".mkv")]
)
def test_packets_away_from_the_joins_are_the_sources_and_the_clicks_stay_with_the_flashes(tmp_path, codec, suffix):
    source = film(tmp_path / f"source{suffix}", codec)
    before = set(offsets(heard(source.path), list(FLASHES)))
    out = tmp_path / f"cut{suffix}"
    report = cut(project_of(source), out, source)
    assert report.check.verified
    theirs, ours = set(packets(source.path)), packets(out)
    copied = sum(data in theirs for data in ours)
    assert copied > 0.6 * len(ours)
    assert any(f"{copied:,} of {len(ours):,} packets are copied" in note for note in report.notes)
    found = offsets(heard(out), flashes_of())
    assert len(found) == 25
    # Times in a transport stream are rounded to 1/90000 s.
    assert max(min(abs(late - other) for other in before) for late in found) <= (1 if suffix == ".ts" else 0)


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_a_player_that_counts_samples_is_never_far_off_and_with_matroska_not_at_all(tmp_path, suffix):
    source = film(tmp_path / f"source{suffix}", "aac")
    # Twenty short clips: what a join takes, the next must give back.
    cuts = tuple((0, start, start + 14) for start in [(n * 37) % 200 for n in range(20)])
    out = tmp_path / f"cut{suffix}"
    report = cut(project_of(source), out, source, cuts=cuts)
    assert any("packets are copied" in note for note in report.notes)
    # What is left out to give it back is said.
    assert any("joins up to" in note for note in report.notes) == (suffix == ".mp4")
    found = offsets(counted(out), [n for n in flashes_of(cuts)])
    assert max(map(abs, found)) <= (0 if suffix == ".mkv" else 512 + 1)


def test_opus_packets_are_cut_where_frames_and_packets_do_not_meet(tmp_path, monkeypatch):
    # At 30 frames a second a frame is one packet and two thirds.
    monkeypatch.setattr(sys.modules[__name__], "FPS", 30)
    monkeypatch.setattr(sys.modules[__name__], "PER_FRAME", RATE // 30)
    source = film(tmp_path / "source.mp4", "libopus")
    out = tmp_path / "cut.mkv"
    report = cut(project_of(source), out, source)
    assert report.check.verified
    theirs, ours = set(packets(source.path)), packets(out)
    assert sum(data in theirs for data in ours) > 0.6 * len(ours)
    assert set(offsets(counted(out), flashes_of())) == {0}


def test_an_opus_packet_tells_how_long_it_lasts():
    # SILK of 20 ms; hybrid of 10 ms, twice; CELT of 20 ms; 2.5 ms, eight of them; nothing.
    packets = [bytes([1 << 3]), bytes([12 << 3 | 1]), bytes([31 << 3]), bytes([28 << 3 | 3, 8]), b""]
    assert list(map(opus_samples, packets)) == [960, 960, 960, 960, 0]
    assert opus_samples(bytes([3 << 3])) == 2880


@pytest.mark.parametrize(
    ("codec", "suffix", "said"),
    [
        ("aac", ".mp4", "the sound track 1 (AAC) is re-encoded around the joins"),
        ("libopus", ".mkv", "the sound track 1 (Opus) is re-encoded around the joins"),
        ("aac", ".flv", "the sound track 1 (AAC) is re-encoded as a whole: .flv files keep no time"),
    ],
)  # fmt: skip
def test_the_plan_says_what_becomes_of_the_sound(tmp_path, codec, suffix, said):
    source = film(tmp_path / f"source{suffix}", codec)
    project = AppendClip(Clip("clip", "0", Native(Range(10, 60)))).apply(project_of(source))
    runs = recipe_runs(project)
    (warning,) = plan_of_timeline(Timeline(project, {"0": source}, runs, reference_of(project, runs))).warnings
    assert warning.startswith(said)


def test_where_a_container_keeps_no_exact_times_the_sound_is_encoded_as_a_whole_and_the_report_says_why(tmp_path):
    source = film(tmp_path / "source.flv", "aac")
    report = cut(project_of(source), tmp_path / "cut.flv", source, cuts=CUTS[:3])
    assert report.check.verified
    assert any("re-encoded as a whole: .flv files keep no time that is exact" in note for note in report.notes)
