"""Films cut and joined: what plain FFmpeg shows and plays of the export, against what was asked for."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from engine.control import CancelToken, Progress
from engine.errors import UsageError, VerificationFailed
from engine.model.edits import AddSource, AppendClip, ExtractClips
from engine.model.project import Project
from engine.model.recipe import recipe_runs
from engine.model.source import source_from_media
from engine.model.storyline import Clip, Conformed, Gap, Native
from engine.model.time import Range
from engine.plan.export_plan import Mode, RenderSegment
from engine.render import timeline_export
from engine.render.film import Film
from engine.render.timeline import Timeline, is_whole_film, reference_of
from engine.render.timeline_export import export_timeline, plan_of_timeline
from tests.corpus.small_clips import Recipe, make
from tests.films import indexed, linear

RATE, FPS = 48000, 25
PER_FRAME = RATE // FPS
FLASHES = (3, 17, 31, 44, 58, 71, 86, 99)


class Kept(dict):
    """A cache in memory."""

    def get(self, kind: str, key: str) -> bytes | None:
        return super().get((kind, key))

    def put(self, kind: str, key: str, value: bytes) -> None:
        self[kind, key] = value


def opened(path: Path, number: int = 0) -> Film:
    return Film(path, *indexed(path), identity=f"{number:040x}")


def project_of(*films: Film) -> Project:
    """Return a project with films and an empty storyline; the first is source "0"."""
    sources = [source_from_media(str(n), film.path.name, film.info, film.index) for n, film in enumerate(films)]
    project = Project.of_source("p", sources[0])
    for source in sources[1:]:
        project = AddSource(source).apply(project)
    return ExtractClips((project.storyline[0].id,)).apply(project)


def with_clips(project: Project, *items) -> Project:
    """Put (source, start, stop) clips, or items as they are, on the storyline."""
    for number, item in enumerate(items):
        if isinstance(item, tuple):
            source, start, stop = item
            item = Clip(f"clip {number}", str(source), Native(Range(start, stop)))
        project = AppendClip(item).apply(project)
    return project


def timeline_of(project: Project, *films: Film) -> Timeline:
    runs = recipe_runs(project)
    return Timeline(project, {str(n): film for n, film in enumerate(films)}, runs, reference_of(project, runs))


def export(project: Project, out: Path, *films: Film, cache: Kept | None = None):
    return export_timeline(
        timeline_of(project, *films), lambda _: None, out, Kept() if cache is None else cache, Progress(), CancelToken()
    )


def rendered(plan) -> set[int]:
    return {n for segment in plan.segments if isinstance(segment, RenderSegment) for n in segment.frames}


def packets(path: Path, kind: str = "video") -> list[bytes]:
    with av.open(str(path)) as container:
        return [bytes(p) for p in container.demux(getattr(container.streams, kind)[0]) if p.size]


def times(path: Path) -> list[Fraction]:
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        return [pts * stream.time_base for pts, _ in linear(path)]


@pytest.fixture(scope="module")
def films(tmp_path_factory) -> tuple[Film, Film]:
    """Two films from one encoder, alike in everything but their pictures."""
    folder = tmp_path_factory.mktemp("films")
    one = make(folder / "one.mp4", Recipe(frames=60, gop=12))
    other = make(folder / "other.mp4", Recipe(frames=45, gop=9 + 3))
    return opened(one, 1), opened(other, 2)


@pytest.fixture(scope="module")
def flashes(tmp_path_factory) -> Film:
    """A film with a white frame and, from its first sample on, a click in the sound, at every one of FLASHES."""
    path = tmp_path_factory.mktemp("flashes") / "flashes.mov"
    with av.open(str(path), "w") as out:
        video = out.add_stream("libx264", rate=FPS, options={"g": "20", "bf": "2", "preset": "veryfast"})
        video.width, video.height, video.pix_fmt = 64, 48, "yuv420p"
        sound = out.add_stream("pcm_s16le", rate=RATE, layout="mono")
        for number in range(110):
            white = number in FLASHES
            luma = np.full((48, 64), 235 if white else 40 + number % 7 * 4, np.uint8)
            luma[: number % 48, :8] = 90
            planes = np.concatenate([luma.ravel(), np.full(2 * 24 * 32, 128, np.uint8)]).reshape(72, 64)
            frame = av.VideoFrame.from_ndarray(planes, format="yuv420p")
            frame.pts = number
            out.mux(video.encode(frame))
            wave = np.zeros(PER_FRAME, np.int16)
            if white:
                # Loud enough to be found after a lossy codec, and clear of the fade at a join.
                wave[400:440] = 20000
            block = av.AudioFrame.from_ndarray(wave[None], format="s16", layout="mono")
            block.sample_rate, block.pts = RATE, number * PER_FRAME
            out.mux(sound.encode(block))
        out.mux(video.encode())
        out.mux(sound.encode())
    return opened(path, 3)


def clicks(path: Path) -> list[int]:
    """Return the sample, counted from the first picture on, at which each click begins."""
    with av.open(str(path)) as container:
        track, picture = container.streams.audio[0], container.streams.video[0]
        start = min(p.pts for p in container.demux(picture) if p.pts is not None) * picture.time_base
        container.seek(0)
        wave = np.zeros(RATE * 10, np.float32)
        at = -RATE
        for frame in container.decode(track):
            given = round((frame.pts * track.time_base - start) * RATE)
            # Matroska rounds times to milliseconds: what follows without a gap is counted.
            at = given if abs(given - at) > RATE // 1000 else at
            block = frame.to_ndarray().astype(np.float32).reshape(-1)
            block = block / 32768 if frame.format.name.startswith("s16") else block
            heard = block[max(0, -at) :]
            wave[max(0, at) : max(0, at) + heard.size] = heard
            at += block.size
    loud = np.flatnonzero(wave > 0.3)
    firsts = loud[np.flatnonzero(np.diff(loud, prepend=-RATE) > 200)]
    return firsts.tolist()


def white_frames(path: Path) -> list[int]:
    with av.open(str(path)) as container:
        return [n for n, frame in enumerate(container.decode(video=0)) if frame.to_ndarray()[:48].mean() > 180]


CUTS = ((0, 0, 7), (0, 29, 47), (0, 13, 20), (0, 55, 62), (0, 84, 110), (0, 1, 33))


@pytest.mark.parametrize("suffix", [".mov", ".mkv"])
def test_sound_stays_in_step_with_the_picture_to_the_sample_over_any_number_of_cuts(flashes, tmp_path, suffix):
    project = with_clips(project_of(flashes), *CUTS)
    out = tmp_path / f"cut{suffix}"
    report = export(project, out, flashes)
    shown = [f for _, start, stop in CUTS for f in range(start, stop)]
    wanted = [n for n, frame in enumerate(shown) if frame in FLASHES]
    assert len(wanted) == 10
    assert white_frames(out) == wanted
    assert clicks(out) == [n * PER_FRAME + 400 for n in wanted]
    assert report.check.verified
    assert any("written anew" in note for note in report.notes)


@pytest.mark.parametrize("codec", ["aac", "mp3", "ac3"])
def test_a_lossy_codecs_own_delay_does_not_move_the_sound(flashes, tmp_path, codec):
    lossy = tmp_path / "lossy.mp4"
    with av.open(str(flashes.path)) as source, av.open(str(lossy), "w") as out:
        video = out.add_stream_from_template(source.streams.video[0])
        sound = out.add_stream("libmp3lame" if codec == "mp3" else codec, rate=RATE, layout="mono", bit_rate=128000)
        for packet in source.demux(source.streams.video[0]):
            if packet.size:
                packet.stream = video
                out.mux(packet)
        source.seek(0)
        resampler = av.AudioResampler("fltp", "mono", RATE, frame_size=sound.codec_context.frame_size or None)
        for frame in source.decode(source.streams.audio[0]):
            for block in resampler.resample(frame):
                out.mux(sound.encode(block))
        out.mux(sound.encode())
    film = opened(lossy, 4)
    before = {n: click for n, click in zip(FLASHES, clicks(lossy), strict=True)}
    out = tmp_path / "cut.mp4"
    report = export(with_clips(project_of(film), *CUTS), out, film)
    wanted = "an MP3 frame borrows bits of earlier ones" if codec == "mp3" else "packets are copied"
    assert any(wanted in note for note in report.notes)
    shown = [f for _, start, stop in CUTS for f in range(start, stop)]
    wanted = [(n - f) * PER_FRAME + before[f] for n, f in enumerate(shown) if f in FLASHES]
    assert np.abs(np.array(clicks(out)) - wanted).max() <= 3


def test_clips_keep_their_frames_times_and_packets(films, tmp_path):
    film, _ = films
    project = with_clips(project_of(film), (0, 30, 55), (0, 5, 26))
    out = tmp_path / "cut.mp4"
    report = export(project, out, film)
    shown = [*range(30, 55), *range(5, 26)]
    theirs = [picture for _, picture in linear(film.path)]
    ours = [picture for _, picture in linear(out)]
    anew = rendered(report.plan)
    assert 0 < len(anew) < len(shown)
    assert [ours[n] for n in range(len(shown)) if n not in anew] == [
        theirs[f] for n, f in enumerate(shown) if n not in anew
    ]
    assert times(out) == [Fraction(n, FPS) for n in range(len(shown))]
    source = set(packets(film.path))
    assert sum(packet in source for packet in packets(out)) == len(shown) - len(anew) == report.check.packets_identical


def test_cuts_at_keyframes_copy_every_packet_of_the_picture(films, tmp_path):
    film, _ = films
    report = export(with_clips(project_of(film), (0, 24, 48), (0, 0, 12)), tmp_path / "cut.mp4", film)
    assert report.plan.frames_rendered == 0
    assert report.worst_psnr_db is None
    assert packets(tmp_path / "cut.mp4") == packets(film.path)[24:48] + packets(film.path)[:12]


def test_films_of_one_camera_are_joined_by_copying(films, tmp_path):
    one, other = films
    project = with_clips(project_of(one, other), (0, 0, 24), (1, 12, 36))
    report = export(project, tmp_path / "joined.mp4", one, other)
    assert report.plan.frames_rendered == 0
    pictures = [picture for _, picture in linear(tmp_path / "joined.mp4")]
    assert pictures == [p for _, p in linear(one.path)][:24] + [p for _, p in linear(other.path)][12:36]


def test_a_film_of_another_camera_is_encoded_into_the_stream_of_the_first(films, tmp_path):
    one, _ = films
    foreign = opened(make(tmp_path / "foreign.mkv", Recipe(frames=20, width=128, height=96, codec="mpeg4")), 5)
    project = with_clips(project_of(one, foreign), (0, 0, 24), (1, 0, 20), (0, 36, 60))
    report = export(project, tmp_path / "both.mp4", one, foreign)
    assert rendered(report.plan) == set(range(24, 44))
    assert any("foreign.mkv is re-encoded: its codec is another" in note for note in report.notes)
    shown = linear(tmp_path / "both.mp4")
    assert [p for _, p in shown[:24]] == [p for _, p in linear(one.path)][:24]
    assert len(shown) == 68


def test_sound_comes_in_with_the_film_that_has_it(flashes, tmp_path):
    mute = opened(make(tmp_path / "mute.mp4", Recipe(frames=50, width=64, height=48, sounds=0)), 7)
    project = with_clips(project_of(mute, flashes), (0, 0, 50), (1, 0, 20))
    out = tmp_path / "both.mp4"
    export(project, out, mute, flashes)
    assert clicks(out) == [(50 + n) * PER_FRAME + 400 for n in FLASHES if n < 20]


def test_gaps_are_black_and_silent_and_conformed_clips_keep_time(films, tmp_path):
    film, _ = films
    slow = Clip("slow", "0", Conformed(Fraction(1, 5), 10))
    project = with_clips(project_of(film), (0, 0, 12), Gap("gap", 5), slow)
    out = tmp_path / "gap.mp4"
    report = export(project, out, film)
    assert rendered(report.plan) == set(range(12, 27))
    with av.open(str(out)) as container:
        frames = [frame.to_ndarray() for frame in container.decode(video=0)]
    assert len(frames) == 27
    assert all(np.abs(frame[:96].astype(int) - 16).max() <= 3 for frame in frames[12:17])
    with av.open(str(film.path)) as container:
        source = [frame.to_ndarray() for frame in container.decode(video=0)]
    for number in range(10):
        assert np.abs(frames[17 + number].astype(int) - source[5 + number]).mean() < 3


def test_a_variable_rate_survives_the_cut(tmp_path):
    path = tmp_path / "vfr.mp4"
    with av.open(str(path), "w") as out:
        video = out.add_stream("libx264", rate=30, options={"g": "10", "bf": "0", "preset": "veryfast"})
        video.width, video.height, video.pix_fmt = 64, 48, "yuv420p"
        video.codec_context.time_base = Fraction(1, 600)
        starts = np.cumsum([0] + [20 + n * 7 % 31 for n in range(39)]).tolist()
        for number, start in enumerate(starts):
            luma = np.full((48, 64), 40 + number * 5, np.uint8)
            planes = np.concatenate([luma.ravel(), np.full(2 * 24 * 32, 128, np.uint8)]).reshape(72, 64)
            frame = av.VideoFrame.from_ndarray(planes, format="yuv420p")
            frame.pts, frame.time_base = start, Fraction(1, 600)
            out.mux(video.encode(frame))
        out.mux(video.encode())
    film = opened(path, 6)
    out = tmp_path / "cut.mp4"
    report = export(with_clips(project_of(film), (0, 23, 35), (0, 3, 18)), out, film)
    ticks = [starts[n] - starts[23] for n in range(23, 35)]
    ticks += [starts[35] - starts[23] + starts[n] - starts[3] for n in range(3, 18)]
    assert times(out) == [Fraction(t, 600) for t in ticks]
    assert 0 < report.plan.frames_rendered < 27


def test_rendered_edges_come_from_the_cache_wherever_they_stand(films, tmp_path):
    film, _ = films
    cache = Kept()
    first = export(with_clips(project_of(film), (0, 5, 24)), tmp_path / "a.mp4", film, cache=cache)
    count = len(cache)
    again = export(with_clips(project_of(film), (0, 24, 36), (0, 5, 24)), tmp_path / "b.mp4", film, cache=cache)
    assert count == len(cache) == 1
    assert (first.plan.frames_rendered, again.plan.frames_rendered) == (7, 7)


def test_an_untouched_film_is_told_apart_from_a_cut_one(films):
    film, _ = films
    empty = project_of(film)
    whole = with_clips(empty, (0, 0, 60))
    cut = with_clips(empty, (0, 0, 59))
    split = with_clips(empty, (0, 0, 30), (0, 30, 60))
    assert [is_whole_film(p, recipe_runs(p)) for p in (whole, cut, split)] == [True, False, True]
    quiet = replace(whole, storyline=(replace(whole.storyline[0], gain_db=-6.0),))
    assert not is_whole_film(quiet, recipe_runs(quiet))


def test_a_film_that_was_split_and_not_cut_keeps_every_packet_of_picture_and_sound(films, tmp_path):
    film, _ = films
    report = export(with_clips(project_of(film), (0, 0, 31), (0, 31, 60)), tmp_path / "split.mp4", film)
    assert report.check.audio_identical
    assert packets(tmp_path / "split.mp4") == packets(film.path)
    assert packets(tmp_path / "split.mp4", "audio") == packets(film.path, "audio")


def test_the_source_is_never_overwritten(films):
    film, other = films
    project = with_clips(project_of(film, other), (0, 5, 30), (1, 0, 12))
    with pytest.raises(UsageError, match="is the source itself"):
        export(project, other.path, film, other)


def test_a_join_that_does_not_decode_is_rendered_wider_and_the_report_says_so(films, tmp_path, monkeypatch):
    film, _ = films
    real, calls = timeline_export.stitched_units, []

    def broken(*arguments):
        calls.append(1)
        for number, unit in enumerate(real(*arguments)):
            spoilt = len(calls) == 1 and number == 20
            yield replace(unit, data=unit.data[:-30] + bytes(30)) if spoilt else unit

    monkeypatch.setattr(timeline_export, "stitched_units", broken)
    report = export(with_clips(project_of(film), (0, 12, 24), (0, 36, 60)), tmp_path / "cut.mp4", film)
    assert len(calls) == 2
    assert any("rendered wider" in note for note in report.notes)
    assert report.plan.frames_rendered > 0


def test_what_never_passes_its_check_is_not_written(films, tmp_path, monkeypatch):
    film, _ = films
    real = timeline_export.stitched_units

    def broken(*arguments):
        for number, unit in enumerate(real(*arguments)):
            if number != 13:
                yield unit

    monkeypatch.setattr(timeline_export, "stitched_units", broken)
    with pytest.raises(VerificationFailed, match="nothing was written"):
        export(with_clips(project_of(film), (0, 12, 24), (0, 36, 60)), tmp_path / "cut.mp4", film)
    assert not list(tmp_path.iterdir())


def test_the_plan_says_beforehand_what_the_export_will_do(films, tmp_path):
    film, _ = films
    project = with_clips(project_of(film), (0, 7, 40))
    plan = plan_of_timeline(timeline_of(project, film))
    assert plan.mode is Mode.DIFFERENTIAL
    assert replace(plan, warnings=()) == export(project, tmp_path / "cut.mp4", film).plan
    assert plan.warnings == ("the sound track 1 (AAC) is re-encoded around the joins",)
