"""Takes are looked at, picked and judged: by the pointer and by the keyboard, one undo step each."""

from __future__ import annotations

from dataclasses import replace

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLabel

from app.ui.actions import ActionSpec
from app.ui.takes import PatchesList, TakesPanel
from app.ui.takes.card import Form
from app.ui.takes.judging import approve
from app.ui.takes.measures import frames_for
from app.ui.widgets import AskLine
from engine.model.edits import AddPatch
from engine.model.patch import Follow, Motion, Patch, Provenance, ReviewState, Take
from engine.model.region import Box
from engine.model.time import Range
from engine.model.tool import BLACK, WHITE, Fill, Picture
from engine.plan.export_plan import CopySegment, ExportPlan, Mode, Reason, RenderSegment

MADE = 1_750_000_000_000


def patch(stage, id="leash", name="Leash", frames=(10, 30)):
    takes = (
        Take("one", Fill(BLACK), provenance=Provenance("fill", made_at_ms=MADE)),
        Take(
            "two",
            Fill(WHITE),
            starred=True,
            provenance=Provenance("gemini", "gemini-3-pro-image", "Remove the leash", cost_microusd=134_000),
        ),
        Take("three", Fill(BLACK), rejected_because="Leash still visible", motion=Motion(Follow.PLANAR)),
    )
    whole = Range(*frames)
    source = stage.project.sources[0].id
    region = Box(0.3, 0.3, 0.6, 0.7)
    return Patch(id, source, region, whole, whole.start, name, takes=takes, pick="two", state=ReviewState.PROPOSED)


@pytest.fixture
def panel(stage):
    made = TakesPanel(stage.context)
    stage.show(made, 400, 230)
    stage.do(AddPatch(patch(stage)))
    stage.session.selection.choose("leash")
    QApplication.processEvents()
    return made


def the_patch(stage):
    return next(iter(stage.project.patches))


def answer(text):
    ask = QApplication.activePopupWidget()
    assert isinstance(ask, AskLine)
    ask.field.setText(text)
    QTest.keyClick(ask.field, Qt.Key.Key_Return)


def test_each_take_says_what_it_is(panel):
    names = [card.accessibleName() for card in panel.cards]
    assert names == [
        "Take 1, draft, Fill with colour, Free",
        "Take 2, pick, proposed, Google Nano Banana, $0.134, starred",
        "Take 3, rejected, Fill with colour, Free, Leash still visible".replace("Fill with colour", "Fill"),
    ]
    assert "“Remove the leash”" in panel.cards[1].toolTip()
    assert panel.head.count.text() == "3"


def test_the_pictures_come_by_themselves_and_show_the_takes(panel, qtbot):
    def seen(number):
        return panel.cards[number].grab().toImage().pixelColor(52, 30).lightness()

    qtbot.waitUntil(lambda: seen(0) < 10 and seen(1) > 240, timeout=10000)


def test_a_click_picks_and_the_star_stars(stage, panel):
    QTest.mouseClick(panel.cards[0], Qt.MouseButton.LeftButton)
    assert the_patch(stage).pick == "one"
    QTest.mouseClick(panel.cards[0], Qt.MouseButton.LeftButton, pos=panel.cards[0].star_place.center())
    assert the_patch(stage).takes[0].starred
    assert the_patch(stage).pick == "one"


def test_keys_step_through_the_takes(stage, panel):
    stage.run("takes.next")
    assert the_patch(stage).pick == "three"
    stage.run("takes.next")
    assert the_patch(stage).pick == "one", "after the last comes the first"
    stage.run("takes.previous")
    assert the_patch(stage).pick == "three"
    QTest.keyClick(panel.cards[2], Qt.Key.Key_Left)
    assert the_patch(stage).pick == "two"
    assert [stage.context.actions.keys(id) for id in ("takes.next", "takes.approve", "takes.reject")] == ["Y", "P", "X"]


def test_approving_is_one_step_that_undo_takes_back(stage, panel, qtbot):
    qtbot.waitUntil(lambda: stage.session.document.is_saved)
    steps = len(stage.session.document.history.done)
    QTest.mouseClick(panel._approve, Qt.MouseButton.LeftButton)
    assert the_patch(stage).state is ReviewState.APPROVED
    assert not panel._approve.isEnabled()
    assert "approved" in stage.heard.said[-1]
    qtbot.waitUntil(lambda: stage.session.document.is_saved)
    assert len(stage.session.document.history.done) == steps + 1
    stage.session.document.undo()
    qtbot.waitUntil(lambda: the_patch(stage).state is ReviewState.PROPOSED)
    assert panel._approve.isEnabled()


def test_another_pick_of_an_approved_patch_is_proposed_again(stage, panel):
    stage.run("takes.approve")
    QTest.mouseClick(panel.cards[0], Qt.MouseButton.LeftButton)
    assert (the_patch(stage).pick, the_patch(stage).state) == ("one", ReviewState.PROPOSED)
    assert "is the pick, not approved yet" in stage.heard.said[-1]


def test_rejecting_asks_for_a_reason_and_keeps_it(stage, panel):
    QTest.mouseClick(panel._reject, Qt.MouseButton.LeftButton)
    answer("Paw is smeared")
    assert the_patch(stage).picked.rejected_because == "Paw is smeared"
    assert the_patch(stage).state is ReviewState.REJECTED
    assert "Paw is smeared" in panel.cards[1].accessibleName()
    stage.run("takes.approve")
    assert the_patch(stage).picked.rejected_because == ""


def test_escape_puts_the_question_away_and_nothing_is_rejected(stage, panel):
    stage.run("takes.reject")
    QTest.keyClick(QApplication.activePopupWidget(), Qt.Key.Key_Escape)
    assert the_patch(stage).state is ReviewState.PROPOSED


def test_a_take_is_named_and_deleted(stage, panel):
    stage.run("takes.rename")
    answer("Clean")
    assert the_patch(stage).picked.name == "Clean"
    stage.run("takes.delete")
    assert [take.id for take in the_patch(stage).takes] == ["one", "three"]
    assert the_patch(stage).pick == "one"
    assert len(panel.cards) == 2


def test_the_picture_of_a_take_is_written_out_and_a_tool_has_none(stage, panel, qtbot, tmp_path):
    stage.context.actions.refresh()
    assert "no picture of its own" in stage.context.actions.action("takes.export").toolTip()
    content = stage.session.document.file.add_take(b"picture", "image/png")
    take = Take("four", Picture(content))
    panel._export_to(tmp_path / "out.png", take)
    qtbot.waitUntil(lambda: (tmp_path / "out.png").exists() and not stage.session.jobs.running)
    assert (tmp_path / "out.png").read_bytes() == b"picture"


def test_a_high_panel_shows_rows_with_reasons(stage, panel):
    panel.resize(400, 500)
    QApplication.processEvents()
    assert panel._form is Form.ROWS
    assert panel.head.title.text() == "Takes of “Leash”"
    assert panel.cards[1].y() > panel.cards[0].y()
    panel.resize(400, 230)
    QApplication.processEvents()
    assert panel._form is Form.CARDS
    assert panel.cards[1].y() == panel.cards[0].y()


def test_without_a_patch_it_says_how_to_begin(stage, panel):
    stage.session.selection.choose()
    assert panel.cards == []
    assert panel._empty.isVisible()
    assert "Choose a patch" in panel._empty.findChild(QLabel).text()
    stage.session.selection.set_region(Box(0.1, 0.1, 0.2, 0.2), 3)
    assert "use a local tool" in panel._empty.findChild(QLabel).text()


@pytest.fixture
def patches(stage):
    made = PatchesList(stage.context)
    stage.show(made, 264, 500)
    stage.do(
        AddPatch(patch(stage, "b", "Leash", (20, 30))),
        AddPatch(replace(patch(stage, "a", "Sign", (5, 9)), state=ReviewState.STALE)),
        AddPatch(replace(patch(stage, "c", "Logo", (40, 45)), state=ReviewState.APPROVED)),
    )
    return made


def test_without_a_patch_the_list_has_the_way_to_draw_one(stage):
    made = PatchesList(stage.context)
    stage.show(made, 264, 500)
    begun = []
    for id in ("view.workspace.region", "tool.lasso"):
        stage.context.actions.add([ActionSpec(id, id, "View", lambda id=id: begun.append(id))])
    QTest.mouseClick(made.draw, Qt.MouseButton.LeftButton)
    assert begun == ["view.workspace.region", "tool.lasso"]


def test_what_is_to_be_decided_stands_in_the_order_of_the_film(stage, patches):
    assert [row.patch.name for row in patches.rows] == ["Sign", "Leash"]
    assert patches.which.button("open").text() == "To decide 2"
    patches.which.button("all").click()
    assert [row.patch.name for row in patches.rows] == ["Sign", "Leash", "Logo"]
    assert patches._done_head.text() == "Done 1"
    QApplication.processEvents()
    assert patches.rows[1].y() < patches._done_head.y() < patches.rows[2].y()
    assert patches.rows[0].accessibleName() == "Sign, 00:00:00:05 · 4 frames, stale"


def test_a_click_chooses_the_patch_and_goes_to_its_anchor(stage, patches):
    QTest.mouseClick(patches.rows[1], Qt.MouseButton.LeftButton)
    assert stage.session.selection.patch.name == "Leash"
    assert stage.session.transport.frame == 20
    stage.run("review.next")
    assert stage.session.selection.patch.name == "Sign"


def test_when_all_is_decided_it_says_so(stage, patches):
    for one in list(stage.project.patches):
        stage.session.document.do(approve(one, one.picked))
    assert patches.rows == []
    assert patches._decided_words.text() == "Everything is decided. 3 approved, 0 open."


def test_a_high_panel_tells_what_the_patch_comes_to(stage, panel, qtbot):
    panel.resize(400, 640)
    assert panel.measures.isVisible()
    assert panel.measures.sure.text() == "stays in place"
    QApplication.processEvents()
    last = panel.cards[-1]
    below = last.mapTo(panel, last.rect().bottomLeft()).y()
    assert below <= panel._buttons.y() <= below + 24, "what judges the takes follows right below them"
    qtbot.waitUntil(lambda: panel.measures.reencoded.text() not in ("", "–"), timeout=20000)
    rendered = stage.session.live_plan.planned.plan.frames_rendered
    assert 0 < int(panel.measures.reencoded.text()) <= rendered
    panel.resize(400, 180)
    assert not panel.measures.isVisible()


def test_frames_for_a_patch_are_its_own_and_the_unchanged_ones_beside_it():
    segments = (
        CopySegment(Range(0, 40)),
        RenderSegment(Range(40, 44), Reason.HEAD),
        RenderSegment(Range(44, 100), Reason.CHANGED),
        RenderSegment(Range(100, 120), Reason.TAIL),
        CopySegment(Range(120, 200)),
    )
    plan = ExportPlan(Mode.DIFFERENTIAL, "", segments, (), ())
    assert frames_for(plan, (Range(44, 100),)) == 80
    assert frames_for(plan, (Range(60, 100),)) == 60, "what lies before belongs to another patch"
    assert frames_for(plan, (Range(50, 60),)) == 10
    assert frames_for(plan, ()) == 0


def test_a_low_panel_has_its_buttons_in_the_head(panel):
    panel.resize(400, 120)
    assert panel.head.isAncestorOf(panel._approve)
    panel.resize(400, 200)
    assert not panel.head.isAncestorOf(panel._approve)
