"""Whole stories, as the person lives them: with the mouse and the keys, on a real film."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QMouseEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QFileDialog, QLineEdit, QMessageBox

from app.session.patching import FollowChoice
from app.ui.viewer.trouble import Trouble
from engine.control import CancelToken, Progress
from engine.media.pixels import to_rgb
from engine.model.edits import project_to_json
from engine.model.patch import Follow, ReviewState
from engine.model.recipe import recipe_runs
from engine.render.verify import verify
from tests.app.ui.desktop import drop, ended, opened, started
from tests.app.ui.stories.conftest import HEIGHT, WIDTH, ball_at
from tests.corpus.small_clips import Recipe, make
from tests.films import reader

LEFT, NONE = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
LONG_MS = 90_000


def key(desktop, name, keys=NONE):
    QTest.keyClick(desktop.viewer.canvas, name, keys)


def at(canvas, x: float, y: float) -> QPoint:
    return canvas.view_map.to_view(x / WIDTH, y / HEIGHT).toPoint()


def draw(canvas, points):
    places = [at(canvas, *point) for point in points]
    QTest.mousePress(canvas, LEFT, NONE, places[0])
    for place in places[1:]:
        event = QMouseEvent(QEvent.Type.MouseMove, QPointF(place), QPointF(canvas.mapToGlobal(place)), LEFT, LEFT, NONE)
        QApplication.sendEvent(canvas, event)
    QTest.mouseRelease(canvas, LEFT, NONE, places[-1])


def around(number: int, radius: float):
    x, y = ball_at(number)
    turns = np.linspace(0, 2 * np.pi, 24)
    return [(x + radius * np.cos(turn), y + radius * np.sin(turn)) for turn in turns]


def run(desktop, action):
    desktop.actions.refresh()
    found = desktop.actions.action(action)
    assert found.isEnabled(), found.toolTip()
    found.trigger()


def shows_frame(desktop, qtbot, frame):
    desktop.session.transport.seek(frame)
    qtbot.waitUntil(lambda: desktop.viewer.canvas.shown_frame == frame, timeout=LONG_MS)


def is_quiet(desktop):
    return not desktop.session.jobs.running and desktop.session.document.is_saved


def redness(path: Path, number: int) -> float:
    """Return how red the film is where the ball was."""
    with reader(path) as frames:
        rgb = to_rgb(frames.frame(number)).astype(float)
    x, y = ball_at(number)
    part = rgb[y - 10 : y + 10, x - 10 : x + 10]
    return float((part[..., 0] - part[..., 2]).mean())


def export(desktop, qtbot) -> Path:
    desktop.actions.refresh()
    # The offscreen platform forgets which window is in front when the widget with the focus goes.
    desktop.window.activateWindow()
    qtbot.waitUntil(desktop.window.isActiveWindow)
    QTest.keyClick(desktop.window, Qt.Key.Key_E, Qt.KeyboardModifier.ControlModifier)
    page = desktop.export
    qtbot.waitUntil(page.isVisible)
    qtbot.waitUntil(lambda: page.plan is not None and desktop.session.live_plan.is_current, timeout=LONG_MS)
    target = Path(page.target.text())
    QTest.mouseClick(page.button, LEFT)
    qtbot.waitUntil(lambda: page._report.count() == 1, timeout=LONG_MS)
    assert "checked" in page._report.itemAt(0).widget().what.text(), page._report.itemAt(0).widget().why.text()
    return target


@pytest.mark.timeout(280)
def test_a_dropped_film_loses_a_thing_that_moves_and_is_exported_and_proven(desktop, film, qtbot):
    drop(desktop.window, film)
    qtbot.waitUntil(lambda: bool(desktop.session.document.films), timeout=LONG_MS)
    shows_frame(desktop, qtbot, 30)
    desktop.session.patching.choose(FollowChoice(Follow.PLANAR, 6, 6))
    key(desktop, Qt.Key.Key_F)
    draw(desktop.viewer.canvas, around(30, 30))
    assert desktop.session.selection.region is not None
    run(desktop, "tool.remove")
    qtbot.waitUntil(lambda: bool(list(desktop.session.document.project.patches)) and is_quiet(desktop), timeout=LONG_MS)
    (patch,) = desktop.session.document.project.patches
    assert (patch.anchor, patch.frames.start, patch.frames.stop) == (30, 24, 37)
    desktop.session.selection.choose(patch.id)
    run(desktop, "view.wipe")
    run(desktop, "view.heat")
    run(desktop, "view.after")
    key(desktop, Qt.Key.Key_P)
    qtbot.waitUntil(lambda: next(desktop.session.document.project.patches).state is ReviewState.APPROVED)
    target = export(desktop, qtbot)
    report = verify(film, target, progress=Progress(), cancel=CancelToken())
    assert report.verified
    assert report.audio_identical
    assert report.packets_identical > 0
    for number in (26, 30, 34):
        assert redness(film, number) > 100
        assert redness(target, number) < 60
    assert redness(target, 60) == pytest.approx(redness(film, 60))


@pytest.mark.timeout(280)
def test_the_same_with_a_provider(world, desktop, film, qtbot):
    opened(desktop, film, qtbot)
    shows_frame(desktop, qtbot, 30)
    desktop.session.patching.choose(FollowChoice(Follow.STATIC, 2, 2))
    key(desktop, Qt.Key.Key_R)
    x, y = ball_at(30)
    draw(desktop.viewer.canvas, [(x - 30, y - 30), (x + 30, y + 30)])
    box = desktop.inspector.generate
    qtbot.waitUntil(box.isVisible)
    box.prompt.setFocus()
    QTest.keyClicks(box.prompt, "Take the ball away")
    qtbot.waitUntil(lambda: desktop.session.generating.offer is not None, timeout=LONG_MS)
    QTest.keyClick(box.prompt, Qt.Key.Key_Return, Qt.KeyboardModifier.ShiftModifier)
    # Nothing is sent before the person has agreed to it.
    qtbot.waitUntil(box.consent.isVisible, timeout=LONG_MS)
    assert world.received == []
    QTest.mouseClick(box.send_once, LEFT)
    qtbot.waitUntil(lambda: bool(list(desktop.session.document.project.patches)) and is_quiet(desktop), timeout=LONG_MS)
    (patch,) = desktop.session.document.project.patches
    assert patch.picked.provenance.prompt == "Take the ball away"
    desktop.session.selection.choose(patch.id)
    run(desktop, "takes.approve")
    target = export(desktop, qtbot)
    assert verify(film, target, progress=Progress(), cancel=CancelToken()).verified


@pytest.mark.timeout(280)
def test_cuts_trims_and_captions_are_undone_to_the_start_and_done_again_to_the_end(desktop, film, qtbot):
    opened(desktop, film, qtbot)
    document = desktop.session.document
    first = document.project

    def go(frame, *names):
        shows_frame(desktop, qtbot, frame)
        for name in names:
            run(desktop, name)
            qtbot.waitUntil(lambda: document.is_saved)

    go(40, "clip.split")
    go(20, "clip.split")
    go(10, "clip.select", "clip.trim_end")
    go(5, "captions.add")
    go(3, "marker.add")
    go(20, "clip.select", "edit.ripple_delete")
    last = document.project
    steps = len(document.history.done)
    assert steps >= 6
    assert last.frame_count < first.frame_count
    for _ in range(steps):
        run(desktop, "edit.undo")
        qtbot.waitUntil(lambda: document.is_saved)
    assert project_to_json(document.project) == project_to_json(first)
    for _ in range(steps):
        run(desktop, "edit.redo")
        qtbot.waitUntil(lambda: document.is_saved)
    assert project_to_json(document.project) == project_to_json(last)
    assert recipe_runs(document.project) == recipe_runs(last)


_VICTIM = """
import os, sys
from pathlib import Path
def main():
    from PySide6.QtCore import QTimer
    from PySide6.QtWidgets import QApplication, QFileDialog, QLineEdit, QMessageBox
    from engine.model.edits import RenameProject
    from tests.app.ui.desktop import whole
    app = QApplication([])
    desktop = whole(app, Path(os.environ["DELTACUT_DATA"]))
    desktop.commands.begin(Path(sys.argv[1]))
    done = []
    def work():
        document = desktop.session.document
        if not document.is_open:
            return
        if document.is_saved and done:
            print(len(document.history.done), flush=True)
        done.append(document.do(RenameProject(f"Name {len(done)}")))
    timer = QTimer()
    timer.timeout.connect(work)
    timer.start(20)
    app.exec()
if __name__ == "__main__":
    main()
"""


@pytest.mark.skipif(
    os.name == "nt", reason="Windows has no SIGKILL; its TerminateProcess is what the suite's runs kill with"
)
@pytest.mark.timeout(280)
def test_what_was_saved_when_the_application_was_killed_is_there_when_it_is_opened_again(folder, film, qtbot):
    script = folder / "victim.py"
    script.write_text(_VICTIM)
    root = Path(__file__).resolve().parents[4]
    victim = subprocess.Popen(
        [sys.executable, str(script), str(film)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(root), "DELTACUT_DATA": str(folder / "data")},
    )
    acknowledged = 0
    for line in victim.stdout:
        acknowledged = int(line)
        if acknowledged >= 5:
            break
    victim.send_signal(signal.SIGKILL)
    victim.wait()
    victim.stdout.close()
    again = started(folder)
    qtbot.waitUntil(lambda: again.session.document.is_open, timeout=LONG_MS)
    qtbot.waitUntil(lambda: again.window._messages.count() == 1, timeout=LONG_MS)
    assert "closed unexpectedly" in again.window._messages.itemAt(0).widget().what.text()
    assert len(again.session.document.history.done) >= acknowledged
    ended(again)


@pytest.mark.timeout(280)
def test_a_moved_project_finds_its_film_again_and_is_exported_without_a_network(
    desktop, film, folder, qtbot, monkeypatch
):
    monkeypatch.setenv("DELTACUT_OFFLINE", "1")
    opened(desktop, film, qtbot)
    shows_frame(desktop, qtbot, 30)
    desktop.session.patching.choose(FollowChoice(Follow.STATIC, 2, 2))
    key(desktop, Qt.Key.Key_R)
    x, y = ball_at(30)
    draw(desktop.viewer.canvas, [(x - 30, y - 30), (x + 30, y + 30)])
    run(desktop, "tool.pixelate")
    qtbot.waitUntil(lambda: bool(list(desktop.session.document.project.patches)) and is_quiet(desktop), timeout=LONG_MS)
    project = desktop.session.document.path
    desktop.session.document.close()
    elsewhere = folder / "other machine"
    media = elsewhere / "films"
    media.mkdir(parents=True)
    moved = elsewhere / "Work.dcut"
    other = make(elsewhere / "other.mp4", Recipe(frames=10, width=160, height=96))
    project.rename(moved)
    film.rename(media / "Renamed.mp4")
    desktop.projects.open(moved)
    qtbot.waitUntil(lambda: bool(desktop.session.document.missing), timeout=LONG_MS)
    assert desktop.window._messages.count() == 1
    asked = []
    answers = [other, media / "Renamed.mp4"]
    monkeypatch.setattr(
        QFileDialog, "getOpenFileName", lambda *words: (asked.append(words[1]), (str(answers.pop(0)), ""))[1]
    )
    monkeypatch.setattr(QMessageBox, "exec", lambda _box: 0)
    monkeypatch.setattr(QMessageBox, "clickedButton", lambda box: box.defaultButton())
    trouble = desktop.viewer.canvas.findChild(Trouble)
    qtbot.waitUntil(trouble.isVisible, timeout=LONG_MS)
    assert "“Ball.mp4” is not at hand" in trouble.words.text()
    assert not trouble.again.isVisible()
    assert not trouble.further.isVisible()
    QTest.mouseClick(trouble.locate, LEFT)
    qtbot.waitUntil(
        lambda: bool(desktop.session.document.films) and not desktop.session.document.missing, timeout=LONG_MS
    )
    assert asked == ["Where is “Ball.mp4”?"] * 2, "another film was refused, and the way goes on from there"
    qtbot.waitUntil(lambda: desktop.window._messages.count() == 0, timeout=LONG_MS)
    target = export(desktop, qtbot)
    assert verify(media / "Renamed.mp4", target, progress=Progress(), cancel=CancelToken()).verified
    assert elsewhere in target.parents


@pytest.mark.timeout(280)
def test_space_plays_from_a_list_too_and_chooses_nothing_there(desktop, film, qtbot):
    opened(desktop, film, qtbot)
    rows = desktop.media.list
    rows.setFocus()
    qtbot.waitUntil(rows.hasFocus)
    QTest.keyClick(rows, Qt.Key.Key_Space)
    assert desktop.session.transport.is_playing
    QTest.keyClick(rows, Qt.Key.Key_Space)
    assert not desktop.session.transport.is_playing
    assert desktop.media.entry is None


@pytest.mark.timeout(280)
def test_enter_in_the_table_of_captions_takes_the_text_and_edits_nothing_else(desktop, film, qtbot):
    opened(desktop, film, qtbot)
    shows_frame(desktop, qtbot, 5)
    desktop.window.show_panel("captions")
    run(desktop, "captions.add")
    table = desktop.captions.table
    qtbot.waitUntil(lambda: table.findChild(QLineEdit) is not None)
    qtbot.waitUntil(lambda: desktop.viewer.canvas.ground.box_of_chosen() is not None, timeout=LONG_MS)
    desktop.actions.refresh()
    assert desktop.actions.action("region.edit_text").isEnabled(), "it has Enter as its key"
    field = table.findChild(QLineEdit)
    field.selectAll()
    QTest.keyClicks(field, "Hello everyone")
    QTest.keyClick(field, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: desktop.session.selection.item.text == "Hello everyone")
    assert desktop.viewer.canvas.item_edits.field is None
