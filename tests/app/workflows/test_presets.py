"""Exports for a purpose: what they refuse, what they leave behind when they are stopped, what they keep in time."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from app.workflows.import_media import new_project
from app.workflows.presets import export_with_preset, preset, presets
from engine.control import CancelToken, Progress, ProgressState
from engine.errors import Cancelled, UsageError
from engine.media.shape import screen_shape, square_size
from engine.model.captions import Caption
from engine.model.edits import AddItems, ChangeLayer
from engine.model.export_preset import Animation, FilmForm, read_preset
from engine.model.layers import CaptionMode
from engine.model.place import AtTimeline
from engine.model.time import Range
from engine.store.project_file import ProjectFile
from tests.corpus.small_clips import Recipe, make
from tests.engine.render.compose_scene import stream


@pytest.fixture(autouse=True)
def folders(tmp_path, monkeypatch):
    monkeypatch.setenv("DELTACUT_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def project(tmp_path) -> Path:
    film = make(tmp_path / "film.mp4", Recipe(frames=40, gop=10))
    new_project(tmp_path / "film.dcut", film, Progress(), CancelToken())
    return tmp_path / "film.dcut"


def export(project: Path, name: str, target: Path, frames: Range | None = None):
    return export_with_preset(project, target, preset(name), frames, Progress(), CancelToken())


@pytest.mark.parametrize("known", presets(), ids=lambda known: known.name)
def test_every_preset_that_comes_along_says_what_it_is_for(known):
    assert known.title
    assert known.description.endswith(".")
    assert preset(known.name) == known


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        '{"name": "a", "title": "b", "description": "c", "form": {"is": "Nothing"}}',
        '{"name": "a", "title": "b", "description": "c", "form": {"is": "Animation", "rate": "0/1"}}',
        '{"name": "a", "title": "b", "description": "c", "form": {"is": "FilmForm", "picture": "h264", "sound": "aac",'
        ' "suffix": ".exe"}}',
    ],
)
def test_what_is_no_preset_is_refused(text):
    with pytest.raises(UsageError):
        read_preset(text)


@pytest.mark.parametrize(
    ("name", "target"), [("web-mp4", "out.mp4"), ("prores", "out.mov"), ("gif", "out.gif"), ("png", "frames")]
)
def test_an_export_that_is_stopped_leaves_nothing(project, tmp_path, name, target):
    folder = tmp_path / "out"
    folder.mkdir()
    cancel = CancelToken()

    def watch(state: ProgressState) -> None:
        if state.fraction > 0.3:
            cancel.cancel()

    with pytest.raises(Cancelled):
        export_with_preset(project, folder / target, preset(name), None, Progress(watch), cancel)
    assert list(folder.iterdir()) == []


def test_a_file_that_was_there_stays_where_an_export_fails(project, tmp_path):
    target = tmp_path / "out.mp4"
    target.write_bytes(b"mine")
    cancel = CancelToken()
    cancel.cancel()
    with pytest.raises(Cancelled):
        export_with_preset(project, target, preset("web-mp4"), None, Progress(), cancel)
    assert target.read_bytes() == b"mine"


def test_the_source_is_never_written_over(project, tmp_path):
    with pytest.raises(UsageError, match="source"):
        export(project, "preview", tmp_path / "film.mp4")


def test_a_gif_of_more_than_a_minute_is_refused_with_the_way_out(project, tmp_path, monkeypatch):
    short = replace(preset("gif"), form=Animation(longest_s=1))
    with pytest.raises(UsageError, match="export a part of it instead"):
        export_with_preset(project, tmp_path / "out.gif", short, None, Progress(), CancelToken())
    assert export(project, "gif", tmp_path / "out.gif", Range(0, 20)).frames == 10


def test_captions_that_are_text_stay_text_in_a_film_that_still_plays_while_it_loads(project, tmp_path):
    with ProjectFile.open(project) as file:
        layer = file.project.layer("captions")
        file.commit(ChangeLayer(layer.id, replace(layer.settings, captions=CaptionMode.SOFT)))
        file.commit(AddItems(layer.id, (Caption("c", AtTimeline(Fraction(1, 2), Fraction(1)), "Hello"),)))
    report = export(project, "web-mp4", tmp_path / "out.mp4")
    assert any("1 caption stands" in note for note in report.notes)
    with av.open(str(tmp_path / "out.mp4")) as container:
        assert [stream.type for stream in container.streams] == ["video", "audio", "subtitle"]
    data = (tmp_path / "out.mp4").read_bytes()
    assert data.index(b"moov") < data.index(b"mdat")
    assert any("left out" in note for note in export(project, "gif", tmp_path / "out.gif").notes)


def test_a_films_times_are_kept_to_the_tick(project, tmp_path):
    export(project, "web-mp4", tmp_path / "out.mp4", Range(7, 33))
    with av.open(str(tmp_path / "out.mp4")) as container:
        stream = container.streams.video[0]
        times = sorted(packet.pts * stream.time_base for packet in container.demux(stream) if packet.size)
    assert times == [Fraction(number, 25) for number in range(26)]


@pytest.mark.parametrize(
    ("facts", "most", "size"),
    [
        ({}, None, (160, 96)),
        ({"rotation": 90}, None, (96, 160)),
        ({}, 48, (80, 48)),
        ({"rotation": 270}, 48, (48, 80)),
    ],
)
def test_a_screen_sees_a_film_as_displayed(facts, most, size):
    assert square_size(stream(**facts), most) == size


def test_pixels_that_are_not_square_become_so_and_sides_even():
    video = replace(stream(), sar=Fraction(4, 3), width=161)
    shape = screen_shape(video, "yuv420p", None)
    assert shape.sar == 1
    assert (shape.width, shape.height) == (216, 96)


def test_the_form_of_a_film_is_checked():
    film = preset("web-mp4").form
    assert isinstance(film, FilmForm)
    with pytest.raises(UsageError):
        replace(film, crf=99)


def test_half_the_rate_takes_every_other_picture(project, tmp_path):
    export(project, "gif", tmp_path / "out.gif", Range(0, 24))
    with av.open(str(tmp_path / "out.gif")) as container:
        shown = [frame.to_ndarray(format="rgb24").astype(int) for frame in container.decode(video=0)]
    with av.open(str(tmp_path / "film.mp4")) as container:
        source = [frame.to_ndarray(format="rgb24").astype(int) for frame in container.decode(video=0)]
    assert len(shown) == 12
    # The picture at the middle of each step of 80 ms is the second of its two.
    assert np.abs(shown[3] - source[7]).mean() < np.abs(shown[3] - source[10]).mean()
