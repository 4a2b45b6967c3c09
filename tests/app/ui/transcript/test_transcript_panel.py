"""The transcript: words that lead to their frames, that can be cut and captioned, and found."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QTextCursor
from PySide6.QtTest import QTest

from app.ui.transcript import TranscriptPanel
from app.ui.transcript.words import WordText
from app.workflows.transcript import ShownWord
from engine.model import edits as e
from engine.model.captions import Caption
from engine.model.place import AtSource
from engine.model.time import Range

LINES = ("We walked down", "to the old bridge", "and back again")


@pytest.fixture
def panel(stage, qtbot) -> TranscriptPanel:
    made = TranscriptPanel(stage.context)
    source = stage.project.sources[0].id
    times = stage.project.picture(source).times
    captions = tuple(
        Caption(f"line{n}", AtSource(source, times.time_of(n * 16), times.time_of(n * 16 + 14)), text)
        for n, text in enumerate(LINES)
    )
    stage.do(e.AddItems("captions", captions))
    stage.show(made)
    qtbot.waitUntil(lambda: len(made._text.words) == 10, timeout=10_000)
    return made


def choose(panel: TranscriptPanel, text: str) -> None:
    start = panel.words.toPlainText().index(text)
    cursor = panel.words.textCursor()
    cursor.setPosition(start)
    cursor.setPosition(start + len(text), QTextCursor.MoveMode.KeepAnchor)
    panel.words.setTextCursor(cursor)


def test_a_click_on_a_word_goes_to_where_it_is_said(stage, panel):
    cursor = QTextCursor(panel.words.document())
    cursor.setPosition(panel.words.toPlainText().index("old") + 1)
    where = panel.words.cursorRect(cursor).center()
    QTest.mouseClick(panel.words.viewport(), Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, where)
    assert 16 < stage.session.transport.frame < 30


def test_chosen_words_are_cut_out_of_the_film_in_one_step_and_struck_out(stage, panel, qtbot):
    frames = stage.project.frame_count
    assert not stage.context.actions.action("words.cut").isEnabled()
    choose(panel, "to the old bridge")
    stage.run("words.cut")
    assert stage.project.frame_count < frames
    qtbot.waitUntil(lambda: "cut out" in panel._count.text(), timeout=10_000)
    gone = [written.word.text for written in panel._text.words if written.word.frames is None]
    assert "bridge" in gone
    assert "walked" not in gone
    cursor = QTextCursor(panel.words.document())
    cursor.setPosition(panel.words.toPlainText().index("bridge") + 2)
    assert cursor.charFormat().fontStrikeOut()


def test_chosen_words_become_captions_of_a_layer(stage, panel):
    choose(panel, "We walked down")
    stage.run("words.caption")
    layer = next(layer for layer in stage.project.layers if layer.settings.name == "Words")
    assert [item.text for item in layer.items] == ["We walked down"]


def test_a_search_lists_the_places_and_a_click_goes_there(stage, panel):
    panel._search.setText("back again")
    assert panel.hits.count() >= 1
    line = panel.hits.item(0)
    panel.hits.itemClicked.emit(line)
    assert stage.session.transport.frame == int(line.data(int(Qt.ItemDataRole.UserRole)))
    assert stage.session.transport.frame >= 32
    panel._search.setText("elephant")
    assert panel._pages.currentIndex() == 3


def test_words_are_found_by_their_characters_and_a_silence_begins_a_paragraph():
    words = [
        ShownWord("s", 0, "Good", Range(0, 5)),
        ShownWord("s", 1, "girl", Range(5, 10)),
        ShownWord("s", 2, "Yes", Range(100, 105), "Ana"),
    ]
    text = WordText.of(words, 25.0)
    assert text.text == "Good girl\nAna: Yes"
    assert text.at(6).word.text == "girl"
    assert [word.word.number for word in text.between(2, 7)] == [0, 1]
    assert text.at(text.text.index("Yes")).word.number == 2
