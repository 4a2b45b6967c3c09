"""Chapters and subtitles of cut films stand where their content shows."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import pytest

from engine.control import CancelToken, Progress
from engine.media.caption_track import CaptionTrack, write_with_texts
from engine.media.text_tracks import read_chapters, read_texts
from engine.model.caption_files import Cue
from engine.model.edits import AddMarkers, AppendClip, ExtractClips
from engine.model.markers import Marker, MarkerKind
from engine.model.place import OnTimeline
from engine.model.project import Project
from engine.model.recipe import recipe_runs
from engine.model.source import source_from_media
from engine.model.storyline import Clip, Native
from engine.model.time import Range
from engine.render.carried_tracks import film_chapters
from engine.render.export import export
from engine.render.film import Film
from engine.render.timeline import Timeline, reference_of
from engine.render.timeline_export import export_timeline
from tests.corpus.small_clips import Recipe, make
from tests.films import indexed

CUES = (Cue(200, 900, "one"), Cue(1000, 1400, "two\nlines"))


class Kept(dict):
    def get(self, kind: str, key: str) -> bytes | None:
        return super().get((kind, key))

    def put(self, kind: str, key: str, value: bytes) -> None:
        self[kind, key] = value


def film_with_texts(folder: Path, suffix: str) -> Film:
    """Return a film of 50 frames at 25 per second with two chapters and two subtitles."""
    bare = make(folder / f"bare{suffix}", Recipe(frames=50, gop=10))
    named = folder / f"named{suffix}"
    with av.open(str(bare)) as source, av.open(str(named), "w") as out:
        tracks = {stream.index: out.add_stream_from_template(stream) for stream in source.streams}
        out.set_chapters(
            [
                {"id": n, "start": start, "end": stop, "time_base": Fraction(1, 1000), "metadata": {"title": title}}
                for n, (start, stop, title) in enumerate([(0, 1000, "first"), (1000, 2000, "second")])
            ]
        )
        for packet in source.demux():
            if packet.size:
                packet.stream = tracks[packet.stream_index]
                out.mux(packet)
    path = folder / f"film{suffix}"
    tracks = [CaptionTrack(CUES, "Subtitles", "eng")]
    write_with_texts(named, path, tracks, (), Progress(), CancelToken())
    return Film(path, *indexed(path), identity="a" * 40)


def project_of(film: Film) -> Project:
    return Project.of_source("p", source_from_media("0", film.path.name, film.info, film.index))


def timeline_of(film: Film, project: Project) -> Timeline:
    runs = recipe_runs(project)
    return Timeline(project, {"0": film}, runs, reference_of(project, runs))


def cut(film: Film, out: Path, *ranges: tuple[int, int], markers: Sequence[Marker] = ()):
    project = project_of(film)
    project = ExtractClips((project.storyline[0].id,)).apply(project)
    for number, (start, stop) in enumerate(ranges):
        project = AppendClip(Clip(f"clip {number}", "0", Native(Range(start, stop)))).apply(project)
    for marker in markers:
        project = AddMarkers((marker,)).apply(project)
    return export_timeline(timeline_of(film, project), lambda _: None, out, Kept(), Progress(), CancelToken())


def chapter_at(frame: int, name: str) -> Marker:
    return Marker(name, OnTimeline(Range(frame, frame + 1)), MarkerKind.CHAPTER, name)


def shown_chapters(path: Path) -> list[tuple[float, float, str]]:
    return [(round(float(c.start_s), 2), round(float(c.stop_s), 2), c.title) for c in read_chapters(path)]


def packets(path: Path) -> list[bytes]:
    with av.open(str(path)) as container:
        return [bytes(packet) for packet in container.demux(video=0) if packet.size]


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_chapters_and_subtitles_follow_their_content_through_the_cuts(tmp_path, suffix):
    film = film_with_texts(tmp_path, suffix)
    out = tmp_path / f"cut{suffix}"
    # Seconds 1.2 to 2.0, then 0.4 to 1.2.
    report = cut(film, out, (30, 50), (10, 30))
    chapters = [(float(c.start_s), float(c.stop_s), c.title) for c in read_chapters(out)]
    assert chapters == [
        (0.0, 0.8, "second"),
        (pytest.approx(0.8), pytest.approx(1.4), "first"),
        (pytest.approx(1.4), pytest.approx(1.6), "second"),
    ]
    with av.open(str(out)) as container:
        (track,) = container.streams.subtitles
        assert track.language == "eng"
        number = track.index
    texts = [(round(t.start_s * 1000), round(t.stop_s * 1000), t.text) for t in read_texts(out, number, CancelToken())]
    assert texts == [(0, 200, "two\nlines"), (800, 1300, "one"), (1400, 1600, "two\nlines")]
    assert not any("left out" in note for note in report.notes)


def test_subtitles_that_the_target_cannot_hold_are_left_out_and_the_report_says_so(tmp_path):
    film = film_with_texts(tmp_path, ".mkv")
    report = cut(film, tmp_path / "cut.ts", (10, 30))
    assert any("subtitles are left out" in note for note in report.notes)


@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".mkv"])
def test_chapter_markers_become_chapters_and_no_picture_is_encoded_for_them(tmp_path, suffix):
    film = film_with_texts(tmp_path, suffix)
    project = AddMarkers((chapter_at(10, "marked"),)).apply(project_of(film))
    timeline = timeline_of(film, project)
    out = tmp_path / f"out{suffix}"
    report = export(
        film, timeline.runs, lambda _: None, out, None, Kept(), Progress(), CancelToken(),
        chapters=film_chapters(timeline),
    )  # fmt: skip
    assert report.plan.frames_rendered == 0
    assert packets(out) == packets(film.path)
    assert shown_chapters(out) == [(0.0, 0.4, "first"), (0.4, 1.0, "marked"), (1.0, 2.0, "second")]
    assert any("3 chapters" in note for note in report.notes)
    with av.open(str(out)) as container, av.open(str(film.path)) as source:
        # The track of names that was there holds the new ones.
        assert [stream.type for stream in container.streams] == [stream.type for stream in source.streams]


@pytest.mark.parametrize("suffix", [".mp4", ".mov"])
def test_a_film_without_chapters_gets_a_track_of_them_that_begins_late(tmp_path, suffix):
    path = make(tmp_path / f"bare{suffix}", Recipe(frames=50, gop=10))
    film = Film(path, *indexed(path), identity="a" * 40)
    project = project_of(film)
    for marker in (chapter_at(20, "Größe"), chapter_at(40, "last")):
        project = AddMarkers((marker,)).apply(project)
    timeline = timeline_of(film, project)
    out = tmp_path / f"out{suffix}"
    export(
        film, timeline.runs, lambda _: None, out, None, Kept(), Progress(), CancelToken(),
        chapters=film_chapters(timeline),
    )  # fmt: skip
    assert shown_chapters(out) == [(0.8, 1.6, "Größe"), (1.6, 2.0, "last")]
    assert packets(out) == packets(path)
    assert (b"chpl" in out.read_bytes()) == (suffix == ".mp4")


def test_chapter_markers_of_a_cut_film_stand_among_those_of_its_sources(tmp_path):
    film = film_with_texts(tmp_path, ".mp4")
    out = tmp_path / "cut.mp4"
    cut(film, out, (30, 50), (10, 30), markers=[chapter_at(5, "marked")])
    assert shown_chapters(out) == [
        (0.0, 0.2, "second"),
        (0.2, 0.8, "marked"),
        (0.8, 1.4, "first"),
        (1.4, 1.6, "second"),
    ]


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_the_first_chapter_of_a_cut_film_begins_where_its_marker_stands(tmp_path, suffix):
    path = make(tmp_path / f"bare{suffix}", Recipe(frames=50, gop=10))
    film = Film(path, *indexed(path), identity="a" * 40)
    out = tmp_path / f"cut{suffix}"
    cut(film, out, (30, 50), (10, 30), markers=[chapter_at(20, "marked")])
    assert shown_chapters(out) == [(0.8, 1.6, "marked")]


def test_chapters_that_the_target_cannot_hold_are_left_out_and_the_report_says_so(tmp_path):
    path = make(tmp_path / "bare.ts", Recipe(frames=50, gop=10))
    film = Film(path, *indexed(path), identity="a" * 40)
    project = AddMarkers((chapter_at(20, "one"),)).apply(project_of(film))
    timeline = timeline_of(film, project)
    report = export(
        film, timeline.runs, lambda _: None, tmp_path / "out.ts", None, Kept(), Progress(), CancelToken(),
        chapters=film_chapters(timeline),
    )  # fmt: skip
    assert any("chapters are left out: .ts" in note for note in report.notes)
