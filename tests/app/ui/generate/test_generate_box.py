"""Generating in the inspector: shown before it is sent, asked once, in place until it is done, ways out at failures."""

from __future__ import annotations

import time
from datetime import datetime
from decimal import Decimal
from types import SimpleNamespace

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QImage
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from app.session.generating import Ordered
from app.session.patching import FollowChoice
from app.ui.generate.words import WayOut, said
from app.ui.inspector import InspectorPanel
from app.workflows.open_for_editing import open_for_editing
from app.workflows.preferences import set_caps
from engine.control import CancelToken, Progress
from engine.model.patch import Follow
from engine.model.region import Box
from engine.model.tool import Blur, Clone
from providers.ledger import Caps
from tests.fakes.at_hand import at_hand

REGION = Box(0.3, 0.3, 0.6, 0.7)
LONG_MS = 90_000


@pytest.fixture
def world(monkeypatch):
    with at_hand(monkeypatch) as services:
        yield services


@pytest.fixture
def panel(world, stage):
    stage.session.patching.choose(FollowChoice(Follow.STATIC, 2, 2))
    made = InspectorPanel(stage.context)
    stage.show(made, 400, 800)
    return made


def draw(stage, region=REGION):
    stage.session.selection.set_region(region, 20)
    QApplication.processEvents()


def offered(panel, qtbot):
    qtbot.waitUntil(lambda: panel.generate._generating.offer is not None, timeout=LONG_MS)


def patches(stage):
    return list(stage.project.patches)


def write(panel, text):
    panel.generate.prompt.setFocus()
    panel.generate.prompt.selectAll()
    QTest.keyClicks(panel.generate.prompt, text)


def ordered(stage, panel, qtbot):
    """Order a picture for a region, agreeing this once, and return the order's row."""
    draw(stage)
    offered(panel, qtbot)
    write(panel, "a red door")
    panel.generate.generate()
    panel.generate.send_once.click()
    return panel.generate.rows[0]


def test_it_shows_with_a_region_and_says_what_will_be_sent_and_not_sent(stage, panel, qtbot, world):
    set_caps(Caps(project_usd=Decimal("10.00")))
    assert not panel.generate.isVisible()
    draw(stage)
    assert panel.generate.isVisible()
    offered(panel, qtbot)
    box = panel.generate
    assert box.sent.text() == "Sent: 1 crop and its mask"
    assert "px from 00:00:00:20" in box._size_text.text()
    assert box._not_sent.text() == "Not sent: the film, sound, file name"
    assert box.estimate.text() == "Estimate $0.134"
    assert box.cap.text() == "$10.00 left of the $10.00 cap"
    assert box.go.text() == "Generate · $0.134"
    assert not box.picture.image.isNull()
    assert not box.go.isEnabled()
    assert "Say what" in box.go.toolTip()
    box.count.setCurrentIndex(2)
    box.count.activated.emit(2)
    assert box.go.text() == "Generate · $0.402"
    assert world.received == []


def test_the_first_time_it_asks_then_the_take_comes_and_the_second_time_it_does_not_ask(stage, panel, qtbot, world):
    draw(stage)
    offered(panel, qtbot)
    write(panel, "a red door")
    QTest.mouseClick(panel.generate.go, Qt.MouseButton.LeftButton)
    assert panel.generate.consent.isVisible()
    assert "Sent to Google" in panel.generate._consent_text.text()
    assert world.received == []
    QTest.mouseClick(panel.generate.send_always, Qt.MouseButton.LeftButton)
    assert len(panel.generate.rows) == 1
    assert WayOut.CANCEL in panel.generate.rows[0].buttons
    qtbot.waitUntil(lambda: len(patches(stage)) == 1, timeout=LONG_MS)
    qtbot.waitUntil(lambda: panel.generate.rows == [])
    assert len(world.gemini.charges) == 1
    generating = stage.session.generating
    qtbot.waitUntil(lambda: generating.offer is not None and generating.offer.agreed, timeout=LONG_MS)
    assert "spent" in panel.generate.cap.text()
    assert panel.generate.prompt.toPlainText() == "a red door"
    QTest.keyClick(panel.generate.prompt, Qt.Key.Key_Return, Qt.KeyboardModifier.ShiftModifier)
    assert not panel.generate.consent.isVisible()
    qtbot.waitUntil(lambda: len(patches(stage)[0].takes) == 2, timeout=LONG_MS)
    assert generating.prompts() == ["a red door"]


def test_another_project_begins_with_no_words(stage, panel, qtbot, tmp_path):
    draw(stage)
    write(panel, "the logo is gone")
    document = stage.session.document
    path = document.path
    document.close()
    document.adopt(open_for_editing(path, Progress(), CancelToken()))
    draw(stage)
    assert panel.generate.prompt.toPlainText() == ""
    assert "Say what" in panel.generate.hindrance()


def test_a_refusal_names_the_provider_and_offers_other_words_and_a_local_tool(stage, panel, qtbot, world):
    world.gemini.fail("submit", "IMAGE_SAFETY")
    draw(stage)
    offered(panel, qtbot)
    write(panel, "a red door")
    panel.generate.generate()
    QTest.mouseClick(panel.generate.send_once, Qt.MouseButton.LeftButton)
    row = panel.generate.rows[0]
    qtbot.waitUntil(lambda: WayOut.EDIT_PROMPT in row.buttons, timeout=LONG_MS)
    assert row._what.text() == "Google Nano Banana refused this request."
    assert row._why.text().startswith("Reason given: image safety. Nothing was placed, nothing was passed to another")
    assert patches(stage) == []
    QTest.mouseClick(row.buttons[WayOut.TRY_LOCALLY], Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: len(patches(stage)) == 1, timeout=LONG_MS)
    assert patches(stage)[0].region == REGION
    qtbot.waitUntil(lambda: panel.generate.rows == [])


def test_over_the_cap_nothing_is_sent_and_the_way_out_is_to_raise_it(stage, panel, qtbot, world):
    set_caps(Caps(project_usd=Decimal("0.05")))
    draw(stage)
    offered(panel, qtbot)
    assert panel.generate.cap.property("tone") == "warning"
    write(panel, "a red door")
    panel.generate.generate()
    panel.generate.send_once.click()
    row = panel.generate.rows[0]
    qtbot.waitUntil(lambda: WayOut.RAISE_CAP in row.buttons, timeout=LONG_MS)
    assert row._what.text() == "Not sent."
    assert world.gemini.charges == []
    row.buttons[WayOut.GIVE_UP].click()
    assert panel.generate.rows == []


def test_a_rejected_key_is_replaced_and_tried_again(stage, panel, qtbot, world, monkeypatch):
    monkeypatch.setenv("GEMINI_API_KEY", "not-the-key")
    row = ordered(stage, panel, qtbot)
    qtbot.waitUntil(lambda: WayOut.REPLACE_KEY in row.buttons, timeout=LONG_MS)
    monkeypatch.setenv("GEMINI_API_KEY", world.gemini.key)
    row.buttons[WayOut.TRY_AGAIN].click()
    qtbot.waitUntil(lambda: len(patches(stage)) == 1, timeout=LONG_MS)


def test_waiting_for_room_counts_down():
    entry = Ordered(1, "a red door")
    entry.running = object()
    entry.since_s = time.monotonic() - 9
    entry.job = SimpleNamespace(retry_at=1000.0, nodes={})
    waiting = said(entry, now=959.0)
    assert waiting.what.endswith("in 41 s.")
    assert "happens by itself" in waiting.why
    assert waiting.ways == (WayOut.TRY_LOCALLY, WayOut.CANCEL)
    assert said(entry, now=1001.0).what == "At the provider for 9 s."


def test_an_order_that_has_to_wait_says_until_when_and_a_local_tool_does_it_now(stage, panel, qtbot, world):
    world.gemini.fail("submit", *["rate_minute"] * 9)
    row = ordered(stage, panel, qtbot)
    qtbot.waitUntil(lambda: WayOut.TRY_LOCALLY in row.buttons, timeout=LONG_MS)
    assert list(row.buttons) == [WayOut.TRY_LOCALLY, WayOut.CANCEL]
    assert row._what.text().startswith("Retry at ")
    assert row._why.text() == "Google Nano Banana asks to wait. It happens by itself; nothing was charged."
    job = row.entry.running
    at = datetime.fromtimestamp(row.entry.retry_at).astimezone().strftime("%H:%M:%S")
    assert job.note == f"Google Nano Banana asks to wait until {at}. It goes on by itself."
    ((text, run),) = job.actions
    assert text == "Try locally"
    run()
    qtbot.waitUntil(lambda: len(patches(stage)) == 1, timeout=LONG_MS)
    assert patches(stage)[0].region == REGION
    qtbot.waitUntil(lambda: panel.generate.rows == [])
    assert world.gemini.charges == []


def test_local_tools_are_plain_buttons(stage, panel, qtbot):
    draw(stage)
    QTest.mouseClick(panel.tools.buttons["blur"], Qt.MouseButton.LeftButton)
    assert isinstance(patches(stage)[0].tool, Blur)
    stage.run("tool.clone")
    tool = patches(stage)[0].tool
    assert isinstance(tool, Clone)
    assert tool.dx == pytest.approx(0.315)
    stage.run("tool.grade")
    QTest.mouseClick(panel.tools.buttons["text"], Qt.MouseButton.LeftButton)
    ask = QApplication.activePopupWidget()
    QTest.keyClicks(ask.field, "Museum")
    QTest.keyClick(ask.field, Qt.Key.Key_Return)
    assert patches(stage)[0].tool.text == "Museum"
    assert len(patches(stage)[0].takes) == 4


def test_what_a_tool_cannot_do_is_said_beside_it(stage, panel, tmp_path, qtbot):
    draw(stage)
    (tmp_path / "no.png").write_bytes(b"no picture")
    stage.session.patching.place_picture(tmp_path / "no.png")
    qtbot.waitUntil(lambda: panel._trouble is not None, timeout=LONG_MS)
    assert "not done" in panel._trouble.what.text()
    panel.tools.use("blur")
    assert panel._trouble is None


def test_references_are_sent_too_and_counted(stage, panel, qtbot, tmp_path):
    picture = QImage(40, 30, QImage.Format.Format_RGB32)
    picture.fill(Qt.GlobalColor.red)
    picture.save(str(tmp_path / "red.png"))
    draw(stage)
    offered(panel, qtbot)
    panel.generate.add_references([tmp_path / "red.png"])
    qtbot.waitUntil(lambda: "1 reference picture" in panel.generate.sent.text(), timeout=LONG_MS)
    assert panel.generate._reference.text() == "References 1…"


def test_work_of_a_local_tool_is_seen_and_stopped_in_place(stage, panel, qtbot):
    stage.session.patching.choose(FollowChoice(Follow.HYBRID, 20, 20))
    draw(stage)
    QTest.mouseClick(panel.tools.buttons["fill"], Qt.MouseButton.LeftButton)
    (row,) = panel.work_rows
    assert row.accessibleName().startswith("Fill with colour")
    bar = panel._area.verticalScrollBar()
    bar.setValue(bar.maximum())
    qtbot.waitUntil(lambda: panel.rect().contains(row.geometry()))
    assert not panel._area.isAncestorOf(row), "it is seen wherever the panel is scrolled to"
    QTest.mouseClick(row.cancel, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: panel.work_rows == [], timeout=LONG_MS)
    assert patches(stage) == []
    assert stage.session.selection.region == REGION, "the region is still there to be tried again"


def test_generating_before_it_is_known_what_would_be_sent_waits_for_that_and_then_asks(stage, panel, qtbot, world):
    draw(stage)
    write(panel, "a red door")
    assert stage.session.generating.offer is None
    panel.generate.generate()
    assert stage.session.generating.orders == []
    qtbot.waitUntil(panel.generate.consent.isVisible, timeout=LONG_MS)
    assert world.received == []


def test_the_motion_of_a_patch_is_filmed_as_a_further_take_after_it_was_asked(stage, panel, qtbot, world):
    stage.session.patching.choose(FollowChoice(Follow.STATIC, 2, 20))
    draw(stage)
    panel.tools.use("fill")
    (patch,) = patches(stage)
    stage.session.service_orders.film_motion(patch)
    (row,) = panel.generate.rows
    qtbot.waitUntil(lambda: WayOut.SEND_ONCE in row.buttons, timeout=LONG_MS)
    assert WayOut.TRY_LOCALLY not in row.buttons
    row.buttons[WayOut.SEND_ONCE].click()
    qtbot.waitUntil(lambda: WayOut.USE_ANYWAY in row.buttons, timeout=LONG_MS)
    assert "does not meet its surroundings" in row._why.text(), "a stand-in's film shows something else"
    row.buttons[WayOut.USE_ANYWAY].click()
    qtbot.waitUntil(lambda: len(patches(stage)[0].takes) == 2, timeout=LONG_MS)
    assert patches(stage)[0].takes[1].motion.follow is Follow.PROVIDER
    qtbot.waitUntil(lambda: panel.generate.rows == [], timeout=LONG_MS)


def test_a_film_of_motion_under_way_is_picked_up_when_the_project_is_opened_again(stage, panel, qtbot, world):
    stage.session.patching.choose(FollowChoice(Follow.STATIC, 2, 20))
    draw(stage)
    panel.tools.use("fill")
    (patch,) = patches(stage)
    stage.session.service_orders.film_motion(patch)
    qtbot.waitUntil(lambda: WayOut.SEND_ONCE in panel.generate.rows[0].buttons, timeout=LONG_MS)
    document = stage.session.document
    path = document.path
    document.close()
    assert panel.generate.rows == []
    document.adopt(open_for_editing(path, Progress(), CancelToken()))
    qtbot.waitUntil(lambda: bool(panel.generate.rows), timeout=LONG_MS)
    (row,) = panel.generate.rows
    qtbot.waitUntil(lambda: WayOut.SEND_ONCE in row.buttons, timeout=LONG_MS)
    assert world.received == [], "nothing is sent before somebody agreed"


def test_without_a_key_it_says_so_before_it_asks_whether_to_send(stage, panel, qtbot, world, monkeypatch):
    monkeypatch.delenv("GEMINI_API_KEY")
    draw(stage)
    offered(panel, qtbot)
    write(panel, "a red door")
    box = panel.generate
    assert box.key_needed.isVisible()
    assert "No key for Google Nano Banana yet" in box._key_text.text()
    assert not box.go.isEnabled()
    assert "Add a key for Google Nano Banana" in box.go.toolTip()
    QTest.keyClick(box.prompt, Qt.Key.Key_Return, Qt.KeyboardModifier.ShiftModifier)
    assert not box.consent.isVisible()
    assert box.rows == []
    monkeypatch.setenv("GEMINI_API_KEY", world.gemini.key)
    stage.session.generating.look_again()
    qtbot.waitUntil(lambda: not box.key_needed.isVisible() and box.go.isEnabled(), timeout=LONG_MS)


def test_a_key_that_went_meanwhile_is_missed_in_the_windows_own_words(stage, panel, qtbot, world, monkeypatch):
    draw(stage)
    offered(panel, qtbot)
    write(panel, "a red door")
    monkeypatch.delenv("GEMINI_API_KEY")
    panel.generate.generate()
    panel.generate.send_once.click()
    row = panel.generate.rows[0]
    qtbot.waitUntil(lambda: WayOut.ADD_KEY in row.buttons, timeout=LONG_MS)
    assert row._why.text() == "No key for Google Nano Banana is set on this computer. Nothing was charged."
    button = row.buttons[WayOut.GIVE_UP]
    button.setFocus()
    button.click()
    assert panel.generate.rows == []
    assert QApplication.focusWidget() is None, "the focus is passed to nobody who did not ask for it"
