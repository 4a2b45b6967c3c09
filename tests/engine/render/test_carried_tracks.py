"""Chapters and subtitles of cut films stand where their content shows."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import pytest

from engine.control import CancelToken, Progress
from engine.media.caption_track import CaptionTrack, write_with_captions
from engine.media.text_tracks import read_chapters, read_texts
from engine.model.caption_files import Cue
from engine.model.edits import AppendClip, ExtractClips
from engine.model.project import Project
from engine.model.recipe import recipe_runs
from engine.model.source import source_from_media
from engine.model.storyline import Clip, Native
from engine.model.time import Range
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
    write_with_captions(named, path, tracks, Progress(), CancelToken())
    return Film(path, *indexed(path), identity="a" * 40)


def cut(film: Film, out: Path, *ranges: tuple[int, int]):
    source = source_from_media("0", film.path.name, film.info, film.index)
    project = Project.of_source("p", source)
    project = ExtractClips((project.storyline[0].id,)).apply(project)
    for number, (start, stop) in enumerate(ranges):
        project = AppendClip(Clip(f"clip {number}", "0", Native(Range(start, stop)))).apply(project)
    runs = recipe_runs(project)
    timeline = Timeline(project, {"0": film}, runs, reference_of(project, runs))
    return export_timeline(timeline, lambda _: None, out, Kept(), Progress(), CancelToken())


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
