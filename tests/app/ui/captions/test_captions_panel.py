"""The captions as a table: one edit a gesture, files in and out, from speech."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QFileDialog, QLineEdit

from app.ui.captions import CaptionsPanel
from app.ui.captions.lines import lines_of, time_of, time_text
from app.ui.captions.model import END, SPEED, START, TEXT
from app.ui.generate.words import WayOut
from engine.errors import EditRefused
from engine.model.captions import Caption
from engine.model.edits import AddItems
from engine.model.layers import CaptionMode
from engine.model.place import AtSource, AtTimeline
from tests.fakes.at_hand import at_hand


@pytest.fixture
def panel(stage):
    made = CaptionsPanel(stage.context)
    stage.show(made, 420, 400)
    return made


def fill(stage):
    texts = (("a", 0, 1, "We walked down to the park"), ("b", "11/10", "15/10", "before it got too warm for the dog"))
    items = tuple(Caption(id, AtTimeline(Fraction(start), Fraction(stop)), text) for id, start, stop, text in texts)
    stage.do(AddItems("captions", items))
    QApplication.processEvents()


def captions(stage):
    layer = next(layer for layer in stage.project.layers if layer.id == "captions")
    return [line.caption for line in lines_of(layer, stage.session.document.timeline)]


def cell(panel, row, column):
    return panel.model.index(row, column).data()


def click(panel, row, column, modifiers=Qt.KeyboardModifier.NoModifier):
    place = panel.table.visualRect(panel.model.index(row, column)).center()
    QTest.mouseClick(panel.table.viewport(), Qt.MouseButton.LeftButton, modifiers, place)


def edit(panel, row, column, text):
    index = panel.model.index(row, column)
    panel.table.setCurrentIndex(index)
    panel.table.edit(index)
    editor = panel.table.viewport().findChildren(QLineEdit)[-1]
    editor.selectAll()
    QTest.keyClicks(editor, text)
    QTest.keyClick(editor, Qt.Key.Key_Return)
    QApplication.processEvents()


def test_a_time_is_read_as_people_write_it():
    assert [time_of(text) for text in ("62.5", "1:02.5", "0:01:02,500")] == [Fraction(125, 2)] * 3
    assert time_text(Fraction(125, 2)) == "1:02.500"
    assert time_text(Fraction(3723)) == "1:02:03.000"
    with pytest.raises(EditRefused, match="is no time"):
        time_of("soon")


def test_without_captions_it_says_how_to_begin(panel):
    assert panel._empty.isVisible()
    assert not panel.table.isVisible()


def test_captions_stand_in_the_order_of_the_film_with_how_fast_they_are_read(stage, panel):
    fill(stage)
    assert [cell(panel, row, START) for row in (0, 1)] == ["0:00.000", "0:01.100"]
    assert [cell(panel, row, END) for row in (0, 1)] == ["0:01.000", "0:01.500"]
    assert cell(panel, 1, TEXT) == "before it got too warm for the dog"
    assert [cell(panel, row, SPEED) for row in (0, 1)] == ["26", "85"]
    assert "more than most people read" in panel.model.index(1, SPEED).data(Qt.ItemDataRole.ToolTipRole)
    assert panel.head.count.text() == "2 lines"


def test_a_click_goes_there_and_chooses_it(stage, panel):
    fill(stage)
    click(panel, 1, TEXT)
    assert stage.session.selection.items == {"b"}
    assert stage.session.transport.frame == 28
    stage.session.selection.choose("a")
    assert [index.row() for index in panel.table.selectionModel().selectedRows()] == [0]


def test_text_and_times_are_edited_in_place_one_step_each(stage, panel, qtbot):
    fill(stage)
    qtbot.waitUntil(lambda: stage.session.document.is_saved)
    steps = len(stage.session.document.history.done)
    edit(panel, 0, TEXT, "We walked")
    edit(panel, 0, END, "0:00.8")
    edit(panel, 1, START, "0.9")
    first, second = captions(stage)
    assert (first.text, first.place.stop_s, second.place.start_s) == ("We walked", Fraction(4, 5), Fraction(9, 10))
    qtbot.waitUntil(lambda: stage.session.document.is_saved)
    assert len(stage.session.document.history.done) == steps + 3
    refused = []
    stage.session.document.refused.connect(refused.append)
    edit(panel, 0, END, "0:00.0")
    edit(panel, 0, TEXT, " ")
    assert len(refused) == 2
    assert captions(stage)[0].place.stop_s == Fraction(4, 5)


def test_a_caption_is_added_at_the_playhead_up_to_the_next_one(stage, panel):
    stage.session.transport.seek(10)
    stage.run("captions.add")
    (caption,) = captions(stage)
    assert isinstance(caption.place, AtSource), "it stays with what is said there through later cuts"
    assert caption.place.start_s == Fraction(2, 5)
    assert stage.session.selection.items == {caption.id}
    stage.run("captions.add")
    assert len(captions(stage)) == 1
    assert "shows here already" in stage.heard.said[-1]
    stage.session.transport.seek(0)
    stage.run("captions.add")
    assert captions(stage)[0].place.stop_s == Fraction(2, 5)


def test_splitting_and_merging_and_deleting(stage, panel, qtbot):
    fill(stage)
    stage.session.selection.choose("a")
    stage.session.transport.seek(10)
    stage.run("captions.split")
    first, second, _ = captions(stage)
    assert (first.text, second.text) == ("We walked", "down to the park")
    assert first.place.stop_s == second.place.start_s == Fraction(2, 5)
    click(panel, 0, TEXT)
    click(panel, 1, TEXT, Qt.KeyboardModifier.ShiftModifier)
    stage.run("captions.merge")
    merged, _ = captions(stage)
    assert (merged.text, merged.place.start_s, merged.place.stop_s) == ("We walked down to the park", 0, 1)
    stage.run("captions.delete")
    assert [caption.id for caption in captions(stage)] == ["b"]
    stage.session.document.undo()
    qtbot.waitUntil(lambda: len(captions(stage)) == 2)


def test_burned_in_or_as_a_track(stage, panel):
    fill(stage)
    panel.mode.setCurrentIndex(1)
    panel.mode.activated.emit(1)
    assert stage.project.layer("captions").settings.captions is CaptionMode.SOFT
    stage.run("captions.style")
    assert stage.heard.panels[-1] == "inspector"
    assert stage.session.selection.layer.id == "captions"


def test_files_come_in_and_go_out(stage, panel, qtbot, tmp_path):
    source = tmp_path / "Deutsch.srt"
    source.write_text("1\n00:00:00,000 --> 00:00:00,900\nWir gingen\n\n2\n00:00:01,000 --> 00:00:01,500\nheim\n")
    panel.import_file(source)
    qtbot.waitUntil(lambda: len(panel.model.lines) == 2, timeout=10000)
    assert cell(panel, 0, TEXT) == "Wir gingen"
    target = tmp_path / "out.vtt"
    panel.export_file(target)
    qtbot.waitUntil(target.exists, timeout=10000)
    assert target.read_text().startswith("WEBVTT")
    panel.import_file(source)
    qtbot.waitUntil(lambda: panel.layers.isVisible() and panel.layers.currentText() == "Deutsch", timeout=10000)
    assert panel.layers.count() == 2
    panel.import_file(tmp_path / "missing.srt")
    qtbot.waitUntil(lambda: "cannot be read" in stage.heard.said[-1], timeout=10000)


def test_a_narrow_panel_leaves_the_speed_out(stage, panel):
    fill(stage)
    panel.resize(264, 400)
    QApplication.processEvents()
    assert panel.table.isColumnHidden(SPEED)


def test_emotions_are_labelled_when_the_person_agreed_and_their_lane_names_the_model(stage, panel, qtbot, monkeypatch):
    with at_hand(monkeypatch) as world:
        stage.run("captions.emotions")
        assert stage.heard.panels[-1] == "captions"
        (row,) = panel.rows
        qtbot.waitUntil(lambda: WayOut.SEND_ONCE in row.buttons, timeout=20000)
        assert "Gemini" in row._what.text()
        assert world.received == []
        row.buttons[WayOut.SEND_ONCE].click()
        qtbot.waitUntil(lambda: panel.rows == [], timeout=20000)
    assert "emotion" in stage.session.settings.choices.lanes
    features = stage.session.features
    features.measure()
    qtbot.waitUntil(lambda: bool(features.lanes) and bool(features.lanes["emotion"].by), timeout=60000)
    lane = features.lanes["emotion"]
    assert lane.by == "gemini-3.5-flash"
    assert lane.events[0].label == "Joyful, by gemini-3.5-flash"


def test_captions_from_speech_are_asked_for_once_and_come_as_a_layer(stage, panel, qtbot, monkeypatch):
    with at_hand(monkeypatch):
        stage.run("captions.transcribe")
        (row,) = panel.rows
        qtbot.waitUntil(lambda: WayOut.SEND_ONCE in row.buttons, timeout=20000)
        assert "ElevenLabs" in row._what.text()
        row.buttons[WayOut.SEND_ONCE].click()
        qtbot.waitUntil(lambda: panel.rows == [], timeout=20000)
        qtbot.waitUntil(lambda: any(layer.settings.name == "Transcript" for layer in stage.project.layers))


def test_caption_files_are_looked_for_and_written_beside_the_project_under_its_name(stage, panel, monkeypatch):
    asked = []

    def ask(_parent, _title, at, _kinds):
        asked.append(Path(at))
        return "", ""

    monkeypatch.setattr(QFileDialog, "getSaveFileName", ask)
    monkeypatch.setattr(QFileDialog, "getOpenFileName", ask)
    project = stage.session.document.path
    panel.ask_import()
    panel.ask_export()
    assert asked == [project.parent, project.with_suffix(".srt")]
    stage.session.settings.set(folders={"captions": str(project.parent / "said")})
    panel.ask_export()
    assert asked[-1] == project.parent / "said" / f"{project.stem}.srt"
