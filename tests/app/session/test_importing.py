"""Media taken into the open project and put onto its timeline; films found again."""

from __future__ import annotations

import wave

import numpy as np
import pytest
from PySide6.QtCore import QObject

from app.session.importing import Where
from app.session.relinking import Relinking
from engine.model.sound import AtTime
from engine.model.storyline import Clip
from tests.corpus.small_clips import Recipe, make


@pytest.fixture
def clip(tmp_path):
    return make(tmp_path / "Canal.mp4", Recipe(frames=10, width=320, height=192))


def lengths(stage) -> list[int]:
    return [len(item) for item in stage.project.storyline]


@pytest.mark.parametrize(
    ("where", "expected"),
    [(Where.APPEND, [50, 10]), (Where.INSERT, [20, 10, 30]), (Where.OVERWRITE, [20, 10, 20]), (Where.BIN, [50])],
)
def test_a_film_goes_where_it_is_wanted_in_one_step(stage, qtbot, clip, where, expected):
    with qtbot.waitSignal(stage.session.importing.imported, timeout=20_000):
        stage.session.importing.add([clip], where, 20)
    assert lengths(stage) == expected
    assert len(stage.project.sources) == 2
    qtbot.waitUntil(lambda: stage.session.document.is_saved)
    assert len(stage.session.document.history.done) == 1
    qtbot.waitUntil(lambda: len(stage.session.document.films) == 2, timeout=10_000)


def test_a_film_that_is_there_already_is_used_again(stage, qtbot, small_film):
    with qtbot.waitSignal(stage.session.importing.imported, timeout=20_000):
        stage.session.importing.add([small_film], Where.APPEND)
    assert lengths(stage) == [50, 50]
    assert len(stage.project.sources) == 1


def song(folder, seconds):
    path = folder / "Song.wav"
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16000)
        file.writeframes((np.sin(np.arange(16000 * seconds) / 9) * 9000).astype("<i2").tobytes())
    return path


def test_a_sound_goes_onto_a_sound_track_at_its_time(stage, qtbot, tmp_path):
    path = song(tmp_path, 1)
    with qtbot.waitSignal(stage.session.importing.imported, timeout=20_000):
        stage.session.importing.add([path], Where.INSERT, 25)
    (track,) = stage.project.tracks
    (sound,) = track.items
    assert sound.position == AtTime(stage.session.document.timeline.time_of(25))
    assert float(sound.duration_s) == pytest.approx(1.0, abs=0.05)
    assert lengths(stage) == [50]


def test_a_sound_that_is_longer_than_the_film_ends_with_it(stage, qtbot, tmp_path):
    path = song(tmp_path, 9)
    timeline = stage.session.document.timeline
    with qtbot.waitSignal(stage.session.importing.imported, timeout=20_000):
        stage.session.importing.add([path], Where.INSERT, 20)
    (sound,) = stage.project.tracks[0].items
    assert sound.position.start_s + sound.duration_s == timeline.time_of(50)


def test_a_file_that_is_no_media_is_refused_and_the_project_stays(stage, qtbot, tmp_path):
    path = tmp_path / "broken.mp4"
    path.write_bytes(b"no film at all" * 30)
    before = stage.project
    with qtbot.waitSignal(stage.session.importing.refused, timeout=20_000) as told:
        stage.session.importing.add([path], Where.APPEND)
    assert told.args[0].path == path
    assert stage.project is before


def test_a_film_that_moved_is_found_and_another_one_is_not_taken_for_it(stage, qtbot, tmp_path, clip, small_film):
    parent = QObject()
    relinking = Relinking(stage.session.document, stage.session.jobs, parent)
    source = stage.project.sources[0]
    moved = tmp_path / "elsewhere.mp4"
    moved.write_bytes(small_film.read_bytes())
    with qtbot.waitSignal(relinking.told, timeout=20_000):
        relinking.relink(source.id, moved)
    assert stage.session.document.file.place(source.id).absolute == str(moved)
    with qtbot.waitSignal(relinking.other_content, timeout=20_000) as told:
        relinking.relink(source.id, clip)
    assert "Canal.mp4" in told.args[0].difference
    assert stage.session.document.file.place(source.id).absolute == str(moved)


def test_another_content_takes_the_films_place_where_the_person_says_so(stage, qtbot, tmp_path):
    parent = QObject()
    relinking = Relinking(stage.session.document, stage.session.jobs, parent)
    longer = make(tmp_path / "Longer.mp4", Recipe(frames=80, width=320, height=192))
    with qtbot.waitSignal(relinking.other_content, timeout=20_000) as told:
        relinking.relink(stage.project.sources[0].id, longer)
    relinking.replace(told.args[0])
    (item,) = stage.project.storyline
    assert isinstance(item, Clip)
    assert item.source_id == told.args[0].new.id == stage.project.sources[0].id
    qtbot.waitUntil(lambda: item.source_id in stage.session.document.films, timeout=20_000)
