"""The media bin: what it lists, how it is searched, what is dropped on it and taken from it."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from PySide6.QtCore import QMimeData, QModelIndex, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from app.ui.media import MediaPanel
from app.ui.media.entries import EntryKind, Section, entries_of, length_of
from app.ui.media.model import ENTRY
from app.ui.timeline.drops import SOURCE_TYPE, dropped_in
from engine.errors import MissingMedia
from engine.model.edits import AddSource, AppendClip
from engine.model.overlay import Still
from engine.model.storyline import Clip, Native
from engine.model.time import Range
from tests.corpus.small_clips import Recipe, make
from tests.projects import one_source_project, source

SRT = b"1\n00:00:00,200 --> 00:00:00,900\nHello there\n\n2\n00:00:01,000 --> 00:00:01,500\nAgain\n"


@pytest.fixture
def panel(stage) -> MediaPanel:
    made = MediaPanel(stage.context)
    stage.show(made, 264, 600)
    return made


def rows(panel: MediaPanel) -> list[object]:
    model = panel.list.model()
    found = [model.index(number).data(ENTRY) for number in range(model.rowCount())]
    return [row if isinstance(row, Section) else (row.kind, row.name) for row in found]


def drop(panel: MediaPanel, *paths) -> None:
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    actions = Qt.DropAction.MoveAction | Qt.DropAction.CopyAction
    keys, button = Qt.KeyboardModifier.NoModifier, Qt.MouseButton.LeftButton
    QApplication.sendEvent(panel, QDragEnterEvent(panel.rect().center(), actions, data, button, keys))
    event = QDropEvent(QPointF(panel.rect().center()), actions, data, button, keys)
    QApplication.sendEvent(panel, event)
    assert event.dropAction() is Qt.DropAction.CopyAction


def picture(path, side=30):
    path.write_bytes(cv2.imencode(".png", np.full((side, side * 2, 3), 180, np.uint8))[1].tobytes())
    return path


def test_it_lists_the_film_with_its_length_size_and_codec(stage, panel):
    assert rows(panel) == [Section.FILM, (EntryKind.FILM, "film.mp4")]
    panel.choose(stage.project.sources[0].id)
    assert panel.entry.detail == f"{length_of(stage.project.sources[0].picture)} · 320 × 192 · H.264"


def test_films_pictures_and_captions_dropped_together_come_in_as_one_step_and_stay_where_they_are(
    stage, panel, qtbot, tmp_path
):
    clip = make(tmp_path / "Canal.mp4", Recipe(frames=10, width=320, height=192))
    logo = picture(tmp_path / "Logo.png")
    srt = tmp_path / "Captions EN.srt"
    srt.write_bytes(SRT)
    qtbot.waitUntil(lambda: stage.session.document.is_saved)
    done = len(stage.session.document.history.done)
    drop(panel, clip, logo, srt)
    qtbot.waitUntil(lambda: len(rows(panel)) == 7, timeout=20_000)
    assert rows(panel) == [
        Section.FILM,
        (EntryKind.FILM, "film.mp4"),
        Section.CLIPS,
        (EntryKind.FILM, "Canal.mp4"),
        Section.GRAPHICS,
        (EntryKind.PICTURE, "Logo.png"),
        (EntryKind.CAPTIONS, "Captions"),
    ]
    assert clip.exists()
    assert logo.exists()
    qtbot.waitUntil(lambda: stage.session.document.is_saved)
    assert len(stage.session.document.history.done) == done + 1
    assert stage.project.frame_count == 50


def test_what_cannot_be_used_is_told_and_the_rest_comes_in(stage, panel, qtbot, tmp_path):
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(b"this is no film" * 40)
    drop(panel, broken, picture(tmp_path / "Logo.png"))
    qtbot.waitUntil(lambda: bool(stage.heard.banners) and len(rows(panel)) == 4, timeout=20_000)
    banner = stage.heard.banners[0]
    assert "broken.mp4" in banner.what.text()
    assert "Nothing was changed" in banner.why.text()


def test_a_search_leaves_what_matches_and_says_when_nothing_does(stage, panel):
    panel._search.setText("h.264 film")
    assert len(rows(panel)) == 2
    panel._search.setText("leesh")
    assert rows(panel) == []
    assert panel._pages.currentIndex() == 2


def test_a_section_folds_at_a_click(stage, panel):
    head = panel.list.visualRect(panel.list.model().index(0)).center()
    QTest.mouseClick(panel.list.viewport(), Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, head)
    assert rows(panel) == [Section.FILM]
    QTest.mouseClick(panel.list.viewport(), Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, head)
    assert len(rows(panel)) == 2


def test_a_film_is_appended_and_inserted_by_its_actions(stage, panel):
    panel.choose(stage.project.sources[0].id)
    stage.run("media.append")
    assert [len(item) for item in stage.project.storyline] == [50, 50]
    stage.session.transport.seek(20)
    stage.run("media.insert")
    assert [len(item) for item in stage.project.storyline] == [20, 50, 30, 50]


def test_a_picture_is_laid_over_the_film_from_the_playhead_and_removed_from_the_bin_alone(
    stage, panel, qtbot, tmp_path
):
    drop(panel, picture(tmp_path / "Logo.png"))
    qtbot.waitUntil(lambda: len(rows(panel)) == 4, timeout=20_000)
    index = panel.list.model().index(3)
    panel.list.setCurrentIndex(index)
    stage.session.transport.seek(7)
    stage.run("media.insert")
    overlay = stage.project.layer("overlays").items[-1]
    assert isinstance(overlay.content, Still)
    assert overlay.place.frames.start == 7
    stage.run("media.remove")
    qtbot.waitUntil(lambda: len(rows(panel)) == 2, timeout=10_000)
    assert stage.project.layer("overlays").items


def test_a_film_that_is_used_is_not_removed(stage, panel):
    before = stage.project
    panel.choose(stage.project.sources[0].id)
    stage.run("media.remove")
    assert stage.project is before


def test_what_is_dragged_out_names_the_source_and_is_only_ever_copied(stage, panel):
    model = panel.list.model()
    data = model.mimeData([model.index(1)])
    assert bytes(data.data(SOURCE_TYPE).data()).decode() == stage.project.sources[0].id
    assert dropped_in(data).is_film
    assert model.supportedDragActions() == Qt.DropAction.CopyAction
    assert not model.flags(model.index(0)) & Qt.ItemFlag.ItemIsDragEnabled
    assert not model.flags(QModelIndex())


def test_the_grid_shows_the_entries_without_heads(stage, panel):
    stage.run("media.as_grid")
    assert rows(panel) == [(EntryKind.FILM, "film.mp4")]
    stage.run("media.as_list")
    assert len(rows(panel)) == 2


def test_a_film_that_is_missing_says_so_and_stands_among_the_clips():
    project = one_source_project()
    project = AddSource(source("t", 30)).apply(project)
    entries = entries_of(project, {"t": MissingMedia("gone")}, ())
    assert [(entry.section, entry.id, bool(entry.missing)) for entry in entries] == [
        (Section.FILM, "s", False),
        (Section.CLIPS, "t", True),
    ]
    assert "not at hand" in entries[1].spoken


@pytest.mark.parametrize(
    ("size", "progressive", "interlaced"),
    [((1920, 1080), "1080p", "1080i"), ((720, 576), "720 × 576", "576i"), ((3840, 2160), "4K", "4K")],
)
def test_a_film_of_fields_is_not_called_progressive(size, progressive, interlaced):
    project = one_source_project(width=size[0], height=size[1])
    said = [entries_of(project, {}, (), fields)[0].detail.split(" · ")[1] for fields in ((), ("s",))]
    assert said == [progressive, interlaced]


def test_the_film_that_the_project_was_made_of_stays_the_film_beside_a_longer_clip():
    project = AddSource(source("t", 3000)).apply(one_source_project())
    project = AppendClip(Clip("long", "t", Native(Range(0, 3000)))).apply(project)
    entries = entries_of(project, {}, ())
    assert [(entry.section, entry.id) for entry in entries] == [(Section.FILM, "s"), (Section.CLIPS, "t")]
