"""The window: opening, workspaces, finding an action, settings, closing."""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QCloseEvent, QImage
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLabel, QMessageBox, QPushButton

from app.session.jobs import JobKind
from app.session.patching import TOOL_TITLES
from app.ui.generate.local_tools import TOOLS
from app.ui.widgets import AskLine, Banner
from app.ui.window.first_run import RecentRow
from app.ui.window.palette import _PLACE
from engine.model.edits import AddPatch, RenameProject
from engine.model.ids import new_id
from engine.model.patch import Patch, ReviewState, Take
from engine.model.region import Box
from engine.model.time import Range
from engine.model.tool import Blur
from engine.store.project_file import ProjectFile
from tests.app.ui.desktop import drop, ended, opened, started


def type_keys(widget, text):
    QTest.keyClicks(widget, text)


def test_the_start_screen_shows_while_nothing_is_open(desktop):
    assert desktop.window.first_run.isVisible()
    assert not desktop.window.top.export.isVisible()


def test_the_start_screen_shows_how_far_the_sample_has_come_and_makes_it_once(desktop, qtbot):
    start = desktop.window.first_run
    QTest.mouseClick(start._sample, Qt.MouseButton.LeftButton)
    assert start.sample_opening.isVisible()
    assert start.sample_opening.words.text().startswith("Making the sample")
    assert not start._sample.isEnabled()
    desktop.actions.action("file.sample").trigger()
    (job,) = desktop.session.jobs.running
    job.cancel()
    qtbot.waitUntil(lambda: not start.sample_opening.isVisible() and start._sample.isEnabled(), timeout=20_000)


def test_recent_projects_are_opened_from_the_file_menu(desktop, film, qtbot):
    menu = desktop.commands._recent
    menu.aboutToShow.emit()
    assert [action.isEnabled() for action in menu.actions()] == [False]
    opened(desktop, film, qtbot)
    path = desktop.session.document.path
    desktop.session.document.close()
    menu.aboutToShow.emit()
    (action,) = menu.actions()
    assert action.text() == path.stem
    action.trigger()
    qtbot.waitUntil(lambda: desktop.session.document.path == path, timeout=20_000)


def test_a_film_that_is_dropped_is_opened_with_a_project_beside_it_and_stays_where_it_is(desktop, film, qtbot):
    drop(desktop.window, film)
    qtbot.waitUntil(lambda: desktop.session.document.is_open, timeout=20_000)
    assert film.exists()
    assert desktop.session.document.path == film.with_suffix(".dcut")
    qtbot.waitUntil(desktop.viewer.isVisible)
    assert not desktop.window.first_run.isVisible()


def test_of_several_dropped_files_the_film_is_opened_and_the_others_are_taken_in(desktop, film, qtbot, folder):
    picture = folder / "logo.png"
    image = QImage(32, 32, QImage.Format.Format_RGB32)
    image.fill(0xFF2040)
    assert image.save(str(picture))
    drop(desktop.window, picture, film)
    qtbot.waitUntil(lambda: bool(desktop.session.importing.pictures), timeout=20_000)
    assert desktop.session.document.path == film.with_suffix(".dcut")
    assert desktop.session.importing.pictures[0].name == "logo.png"


def test_a_picture_alone_needs_a_film_and_then_goes_into_the_bin(desktop, film, qtbot, folder):
    picture = folder / "logo.png"
    image = QImage(32, 32, QImage.Format.Format_RGB32)
    image.fill(0xFF2040)
    assert image.save(str(picture))
    drop(desktop.window, picture)
    assert "Open a film first" in desktop.window.bottom._text.text()
    opened(desktop, film, qtbot)
    drop(desktop.window, picture)
    qtbot.waitUntil(lambda: bool(desktop.session.importing.pictures), timeout=20_000)


def test_a_film_whose_project_is_there_opens_that_project(desktop, film, qtbot):
    opened(desktop, film, qtbot)
    desktop.session.document.do(RenameProject("Mine"))
    desktop.session.document.close()
    opened(desktop, film, qtbot)
    assert desktop.session.document.project.name == "Mine"
    assert [path.name for path in film.parent.glob("*.dcut")] == ["Mug.dcut"]


def test_another_film_of_the_same_name_does_not_get_the_others_project(desktop, film, qtbot, folder):
    (film.with_suffix(".dcut")).write_bytes(b"something else")
    opened(desktop, film, qtbot)
    assert desktop.session.document.path.name == "Mug 2.dcut"
    assert film.with_suffix(".dcut").read_bytes() == b"something else"


def test_what_is_readable_of_a_damaged_project_is_opened_as_a_new_one(desktop, film, qtbot):
    opened(desktop, film, qtbot)
    for name in ("First", "Second"):
        desktop.session.document.do(RenameProject(name))
    desktop.session.document.close()
    project = film.with_suffix(".dcut")
    with contextlib.closing(sqlite3.connect(project)) as damaged:
        damaged.execute("UPDATE journal SET payload = 'x' WHERE seq = (SELECT max(seq) FROM journal)")
        damaged.commit()
    before = project.read_bytes()
    drop(desktop.window, project)
    qtbot.waitUntil(lambda: bool(desktop.window.findChildren(Banner)), timeout=20_000)
    (banner,) = desktop.window.findChildren(Banner)
    (button,) = [b for b in banner.findChildren(QPushButton) if b.text() == "Recover what is readable"]
    button.click()
    qtbot.waitUntil(lambda: desktop.session.document.is_open, timeout=20_000)
    assert desktop.session.document.path.name == "Mug recovered.dcut"
    assert desktop.session.document.project.name == "First"
    assert project.read_bytes() == before
    qtbot.waitUntil(
        lambda: any(
            "Not readable" in label.text()
            for b in desktop.window.findChildren(Banner)
            for label in b.findChildren(QLabel)
        ),
        timeout=5_000,
    )


def test_what_cannot_be_opened_is_told_with_its_reason(desktop, folder, qtbot):
    broken = folder / "broken.mp4"
    broken.write_text("no film")
    drop(desktop.window, broken)
    qtbot.waitUntil(lambda: desktop.window._messages.count() == 1, timeout=20_000)
    banner = desktop.window._messages.itemAt(0).widget()
    assert "broken.mp4" in banner.what.text()
    assert "broken.mp4" in banner.why.text()
    assert not desktop.session.document.is_open
    assert list(folder.glob("*.dcut")) == []


def test_each_workspace_shows_its_own_panels(desktop, film, qtbot):
    opened(desktop, film, qtbot)
    QTest.keyClick(desktop.window, Qt.Key.Key_4, Qt.KeyboardModifier.AltModifier)
    qtbot.waitUntil(desktop.export.isVisible)
    assert not desktop.layers.isVisible()
    QTest.keyClick(desktop.window, Qt.Key.Key_2, Qt.KeyboardModifier.AltModifier)
    qtbot.waitUntil(desktop.layers.isVisible)
    assert not desktop.export.isVisible()


def test_undo_goes_back_through_everything_and_says_what(desktop, film, qtbot):
    opened(desktop, film, qtbot)
    document = desktop.session.document
    first = document.project
    for name in ("One", "Two"):
        document.do(RenameProject(name))
    qtbot.waitUntil(lambda: document.is_saved)
    for _ in range(2):
        QTest.keyClick(desktop.window, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
        qtbot.waitUntil(lambda: document.is_saved)
    assert document.project == first
    assert not desktop.actions.action("edit.undo").isEnabled()
    desktop.actions.action("edit.redo").trigger()
    qtbot.waitUntil(lambda: document.project.name == "One")


def test_an_action_is_found_by_its_name_and_run(desktop, film, qtbot):
    opened(desktop, film, qtbot)
    desktop.actions.action("help.find").trigger()
    palette = desktop.commands._palette
    type_keys(palette.field, "deliver work")
    QTest.keyClick(palette.field, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: desktop.window.workspace == "deliver")
    assert not palette.isVisible()


def test_what_a_name_holds_is_found_before_what_only_its_menu_holds(desktop, film, qtbot):
    opened(desktop, film, qtbot)
    names = [spec.text for spec in desktop.actions.found("patch")]
    holds = ["patch" in name.casefold() for name in names]
    assert holds == sorted(holds, reverse=True)
    assert {True, False} == set(holds)


def test_every_local_tool_is_found_whatever_is_chosen_with_the_reason_where_it_cannot_run(desktop, film, qtbot):
    def reasons():
        desktop.actions.refresh()
        found = {name: desktop.actions.found(TOOL_TITLES[name]) for name, _, _ in TOOLS}
        assert all(any(spec.id == f"tool.{name}" for spec in specs) for name, specs in found.items())
        return {desktop.actions.spec(f"tool.{name}").hindrance() for name in found}

    assert reasons() == {"Open a film first"}
    opened(desktop, film, qtbot)
    assert reasons() == {"Draw a region first, or choose a patch"}
    palette = desktop.commands._palette
    palette.open()
    type_keys(palette.field, "remove the logo")
    first = palette.list.item(0)
    assert (first.text(), first.data(_PLACE)) == ("Remove", "Draw a region first, or choose a patch")
    palette.close()
    desktop.session.selection.set_region(Box(0.3, 0.3, 0.6, 0.6), 5)
    assert reasons() == {""}
    desktop.session.selection.choose(desktop.session.document.project.storyline[0].id)
    assert reasons() == {"Draw a region first, or choose a patch"}


def test_tools_are_found_by_what_they_are_called_elsewhere(desktop):
    for words, id in (("mosaic", "pixelate"), ("hide a face", "blur"), ("Stamp", "clone"), ("sticker", "image")):
        assert f"tool.{id}" in [spec.id for spec in desktop.actions.found(words)], words
    assert desktop.actions.found("the leesh") == []


def test_words_are_asked_for_in_sight_also_when_the_inspector_was_not(desktop, film, qtbot):
    opened(desktop, film, qtbot)
    desktop.window.show_panel("jobs")
    desktop.session.selection.set_region(Box(0.3, 0.3, 0.6, 0.6), 5)
    desktop.actions.refresh()
    desktop.actions.action("tool.text").trigger()
    (ask,) = desktop.window.findChildren(AskLine)
    assert ask.isVisible()
    assert ask.parent().isVisible()
    ask.close()


def test_after_opening_a_film_the_space_key_plays_it(desktop, film, qtbot):
    desktop.window.activateWindow()
    opened(desktop, film, qtbot)
    qtbot.waitUntil(lambda: desktop.window.focusWidget() is desktop.viewer.canvas)
    QTest.keyClick(desktop.window.focusWidget(), Qt.Key.Key_Space)
    qtbot.waitUntil(lambda: desktop.session.transport.is_playing)
    QTest.keyClick(desktop.window.focusWidget(), Qt.Key.Key_Space)
    qtbot.waitUntil(lambda: not desktop.session.transport.is_playing)


def test_a_search_that_finds_nothing_says_so(desktop):
    desktop.actions.action("help.find").trigger()
    palette = desktop.commands._palette
    type_keys(palette.field, "leesh")
    assert palette.list.count() == 0
    assert "leesh" in palette._words.text()
    palette.close()


def test_the_field_of_the_search_stays_where_it_is_while_one_writes(desktop, film, qtbot):
    opened(desktop, film, qtbot)
    desktop.actions.action("help.find").trigger()
    palette = desktop.commands._palette
    qtbot.waitUntil(palette.isVisible)
    places = []
    for letter in ("", "u", "n", "d", "o", "zzz"):
        type_keys(palette.field, letter)
        qtbot.wait(1)
        places.append(palette.field.geometry())
    palette.close()
    assert places == [places[0]] * len(places)


def test_every_action_has_a_name_a_menu_and_a_key_that_no_other_action_has(desktop):
    specs = desktop.actions.specs
    assert [spec.id for spec in specs if not spec.text or not spec.menu] == []
    shared = {
        spec.id: [other.id for other in desktop.actions.conflicts(spec.id, desktop.actions.keys(spec.id))]
        for spec in specs
        if desktop.actions.keys(spec.id)
    }
    assert {id: others for id, others in shared.items() if others} == {}


@pytest.mark.parametrize("preset", ["premiere", "resolve"])
def test_a_preset_names_only_actions_that_are_there_and_leaves_no_conflict(desktop, preset):
    from app.ui.actions.table import _preset

    desktop.session.settings.set(shortcut_preset=preset)
    known = {spec.id for spec in desktop.actions.specs}
    assert set(_preset(preset)) <= known
    shared = [
        (spec.id, other.id)
        for spec in desktop.actions.specs
        for other in desktop.actions.conflicts(spec.id, desktop.actions.keys(spec.id))
    ]
    assert shared == []


def test_a_key_that_another_action_has_is_told_and_then_taken_from_it(desktop, qtbot):
    desktop.commands.settings("shortcuts")
    page = desktop.commands._dialog.shortcuts
    page.choose("view.reset")
    page.field.setKeySequence("Ctrl+Z")
    page._try()
    assert "Undo" in page._note.text()
    page._set.click()
    assert desktop.actions.keys("view.reset") == "Ctrl+Z"
    assert desktop.actions.keys("edit.undo") == ""
    assert desktop.actions.action("view.reset").shortcut().toString() == "Ctrl+Z"
    rows = [page._shown.index(row, 0).data() for row in range(page._shown.rowCount())]
    page._reset.click()
    assert desktop.actions.keys("edit.undo") == "Ctrl+Z", "what was taken goes back"
    assert desktop.session.settings.choices.shortcuts == {}
    assert [page._shown.index(row, 0).data() for row in range(page._shown.rowCount())] == rows
    page._set.click()
    page._none.click()
    page.reset_all.click()
    assert desktop.session.settings.choices.shortcuts == {}
    desktop.commands._dialog.close()


def test_the_theme_changes_at_once_and_is_kept(desktop, folder):
    desktop.actions.action("view.theme.light").trigger()
    assert desktop.theme.name == "light"
    assert json.loads((folder / "data" / "window.json").read_text())["theme"] == "light"


def test_closing_with_a_job_running_asks_and_may_be_taken_back(desktop, film, qtbot, monkeypatch):
    opened(desktop, film, qtbot)

    def forever(_progress, cancel):
        while True:
            cancel.check()

    job = desktop.session.jobs.start("Export Mug.mp4", JobKind.EXPORT, forever)
    answers = iter(["Keep working", "Stop and close"])

    def answered(question):
        wanted = next(answers)
        assert "Export Mug.mp4" in question.informativeText()
        assert "The unfinished film is removed." in question.informativeText()
        assert "Paid work" not in question.informativeText()
        (chosen,) = [button for button in question.buttons() if button.text() == wanted]
        monkeypatch.setattr(question, "clickedButton", lambda: chosen)
        return 0

    monkeypatch.setattr(QMessageBox, "exec", answered)
    event = QCloseEvent()
    desktop.window.closeEvent(event)
    assert not event.isAccepted()
    event = QCloseEvent()
    desktop.window.closeEvent(event)
    assert event.isAccepted()
    qtbot.waitUntil(lambda: job.is_over)


def test_after_a_crash_the_project_opens_by_itself_and_says_so(folder, film, qtbot):
    desktop = started(folder)
    opened(desktop, film, qtbot)
    desktop.session.document.do(RenameProject("Before the crash"))
    qtbot.waitUntil(lambda: desktop.session.document.is_saved)
    mark = folder / "data" / "open.json"
    note = json.loads(mark.read_text())
    ended(desktop)
    # A process that was killed leaves its mark; its number belongs to nobody now.
    note["pid"] = _free_pid()
    mark.write_text(json.dumps(note))
    again = started(folder)
    qtbot.waitUntil(lambda: again.window._messages.count() == 1, timeout=20_000)
    assert again.session.document.project.name == "Before the crash"
    assert "closed unexpectedly" in again.window._messages.itemAt(0).widget().what.text()
    ended(again)
    assert not mark.exists()


def test_a_project_that_is_open_elsewhere_is_refused_with_the_reason(desktop, film, qtbot):
    opened(desktop, film, qtbot)
    path = desktop.session.document.path
    desktop.session.document.close()
    with ProjectFile.open(path):
        desktop.projects.open(path)
        qtbot.waitUntil(lambda: desktop.window._messages.count() == 1, timeout=20_000)
    assert not desktop.session.document.is_open


def _free_pid() -> int:
    for number in range(4_000_000, 4_190_000):
        try:
            os.kill(number, 0)
        except ProcessLookupError:
            return number
        except OSError:
            continue
    raise AssertionError("no free process number")


def test_the_start_screen_tells_version_keys_and_theme_and_a_film_how_full_the_cache_is(desktop, film, qtbot):
    bar = desktop.window.bottom
    assert bar.about.text().startswith("Deltacut ")
    assert (bar.keys.text(), bar.theme.text()) == ("Keys: Deltacut", "Theme: dark")
    desktop.session.settings.set(theme="light")
    assert bar.theme.text() == "Theme: light"
    opened(desktop, film, qtbot)
    assert not bar.about.isVisible()
    assert bar.cache.isVisible()


def test_dropped_frames_are_told_only_where_some_were_and_for_a_while_after_playing(desktop, film, qtbot):
    opened(desktop, film, qtbot)
    bar, playback, transport = desktop.window.bottom, desktop.session.playback, desktop.session.transport
    playback.dropped_changed.emit(0)
    assert not bar.dropped.isVisible()
    transport.play()
    playback.dropped_changed.emit(3)
    assert (bar.dropped.isVisible(), bar.dropped.text()) == (True, "Dropped frames 3")
    bar._forget_dropped.setInterval(10)
    transport.pause()
    qtbot.waitUntil(lambda: not bar.dropped.isVisible())


def test_undo_takes_back_the_strokes_of_a_region_that_is_no_patch_yet(desktop, film, qtbot):
    opened(desktop, film, qtbot)
    document, selection = desktop.session.document, desktop.session.selection
    undo, redo = desktop.actions.action("edit.undo"), desktop.actions.action("edit.redo")
    document.do(RenameProject("One"))
    qtbot.waitUntil(lambda: document.is_saved)
    first, second = Box(0.2, 0.2, 0.4, 0.4), Box(0.2, 0.2, 0.6, 0.4)
    for region in (first, second):
        selection.set_region(region, 0)
    undo.trigger()
    assert selection.region == first
    qtbot.waitUntil(redo.isEnabled)
    redo.trigger()
    assert selection.region == second
    undo.trigger()
    undo.trigger()
    assert (selection.region, document.project.name) == (None, "One")
    undo.trigger()
    qtbot.waitUntil(lambda: document.project.name != "One")


def test_what_was_done_after_a_region_was_drawn_is_taken_back_first(desktop, film, qtbot):
    opened(desktop, film, qtbot)
    document, selection = desktop.session.document, desktop.session.selection
    drawn = Box(0.2, 0.2, 0.4, 0.4)
    selection.set_region(drawn, 0)
    document.do(RenameProject("One"))
    qtbot.waitUntil(lambda: document.is_saved)
    desktop.actions.action("edit.undo").trigger()
    qtbot.waitUntil(lambda: document.project.name != "One")
    assert selection.region == drawn


def test_a_recent_project_tells_how_far_its_patches_are(desktop, film, qtbot):
    opened(desktop, film, qtbot)
    document = desktop.session.document
    path = document.path
    source = document.project.sources[0].id
    for name, state in (
        ("Sign", ReviewState.PROPOSED),
        ("Leash", ReviewState.APPROVED),
        ("A", ReviewState.DRAFT),
        ("B", ReviewState.DRAFT),
    ):
        take = Take(new_id(), Blur(8))
        document.do(
            AddPatch(
                Patch(
                    new_id(), source, Box(0.3, 0.3, 0.5, 0.5), Range(60, 66), 60, name,
                    takes=(take,), pick=take.id, state=state,
                )
            )
        )  # fmt: skip
    document.close()
    first = desktop.window.first_run
    qtbot.waitUntil(lambda: any(row.isVisible() for row in first.findChildren(RecentRow)))
    (row,) = (row for row in first.findChildren(RecentRow) if row.isVisible())
    assert row.accessibleName() == f"Open {path.stem}, 2 drafts, 1 proposed, 1 approved"


def test_enter_takes_what_is_chosen_in_a_list_that_drops_down(desktop, film, qtbot):
    opened(desktop, film, qtbot)
    desktop.window.show_workspace("deliver")
    preset = desktop.export.preset
    qtbot.waitUntil(preset.isVisible)
    preset.showPopup()
    view = preset.view()
    qtbot.waitUntil(view.isVisible)
    QTest.keyClick(view, Qt.Key.Key_Down)
    QTest.keyClick(view, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: not view.isVisible())
    assert preset.currentText() == "Web MP4"
