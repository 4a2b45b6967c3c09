"""The export page: the plan before it starts, the export in the background, the report, and what goes wrong."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QPushButton

from app.session.jobs import JobState
from app.session.live_plan import Estimate, Planned
from app.ui.widgets import Segmented
from app.workflows.follow_speed import ToFollow
from engine.control import CancelToken, Progress
from engine.model.edits import AddPatch, RenameProject, SetInOut, SetMix
from engine.model.ids import new_id
from engine.model.patch import Patch, ReviewState, Take
from engine.model.region import Box
from engine.model.sound import ORIGINAL
from engine.model.time import Range
from engine.model.tool import Blur
from engine.plan.export_plan import CopySegment, Reason, RenderSegment
from engine.render.verify import verify
from tests.app.ui.desktop import opened


@pytest.fixture
def page(desktop, film, qtbot):
    opened(desktop, film, qtbot)
    desktop.actions.action("file.export").trigger()
    page = desktop.export
    qtbot.waitUntil(page.isVisible)
    qtbot.waitUntil(lambda: page.plan is not None, timeout=20_000)
    return page


def patch(desktop, state=ReviewState.APPROVED, name="Mug"):
    take = Take(new_id(), Blur(8))
    source = desktop.session.document.project.sources[0].id
    frames = Range(60, 66)
    made = Patch(new_id(), source, Box(0.3, 0.3, 0.5, 0.5), frames, 60, name, takes=(take,), pick=take.id, state=state)
    desktop.session.document.do(AddPatch(made))
    return made


def banners(layout):
    return [layout.itemAt(number).widget() for number in range(layout.count())]


def test_an_untouched_film_is_copied_whole(page):
    assert page.plan.frames_rendered == 0
    assert page._figures[0]._number.text() == "100%"
    assert page.model.rowCount() == 1


def test_a_preset_that_copies_nothing_shows_its_own_figures(page, desktop):
    frames = desktop.session.document.project.frame_count
    page.preset.setCurrentText("Web MP4")
    assert [figure._number.text() for figure in page._figures] == ["0%", f"{frames:,}", "–", "–"]
    page.preset.setCurrentText("Sound only")
    assert page._figures[1]._number.text() == "–"
    assert not page._legend.isVisible()
    page.preset.setCurrentText("Match source")
    assert page._figures[0]._number.text() == "100%"


def test_where_nothing_is_copied_no_message_speaks_of_copies(page, desktop, qtbot):
    patch(desktop, ReviewState.PROPOSED)
    qtbot.waitUntil(lambda: page.plan.frames_rendered > 0, timeout=20_000)
    (before,) = [banner.why.text() for banner in page.warnings.banners if "not approved" in banner.what.text()]
    page.preset.setCurrentText("Web MP4")
    assert [banner.why.text() for banner in page.warnings.banners] == ["It will be in the film."]
    page.preset.setCurrentText("Match source")
    rendered = page.plan.frames_rendered
    assert before == f"It will be in the film. Leave it out, and {rendered} frames are copied instead."
    assert before in [banner.why.text() for banner in page.warnings.banners]


def test_leaving_out_promises_no_copies_where_something_else_changes_the_same_frames(page, desktop, qtbot):
    patch(desktop)
    patch(desktop, ReviewState.PROPOSED, "Steam")
    qtbot.waitUntil(lambda: any("Steam" in banner.what.text() for banner in page.warnings.banners), timeout=20_000)
    (why,) = [banner.why.text() for banner in page.warnings.banners if "Steam" in banner.what.text()]
    assert why == "It will be in the film."


def test_a_film_that_is_too_long_for_a_gif_is_not_begun(page, desktop):
    assert page._about.text() == page.chosen_preset.description
    page.preset.setCurrentText("GIF")
    assert page.button.isEnabled()
    long = replace(page.plan, segments=(CopySegment(Range(0, 25 * 61)),))
    page._planned(Planned(desktop.session.document.project, long, Estimate(1.0, 1e6)))
    assert not page.button.isEnabled()
    assert "Mark a part of at most 60 s first (I and O)" in page.button.toolTip()
    assert [banner.what.text() for banner in page.warnings.banners] == ["This is too long for a GIF."]
    page.preset.setCurrentText("Preview")
    assert page.button.isEnabled()


def test_an_export_of_the_sound_alone_speaks_of_no_patch(page, desktop, qtbot):
    patch(desktop, ReviewState.PROPOSED)
    qtbot.waitUntil(lambda: page.plan.frames_rendered > 0, timeout=20_000)
    assert page.warnings.banners
    page.preset.setCurrentText("Sound only")
    assert not page.warnings.banners
    assert figures(page)[0] == ("Copied", "the sound, where the file's format can hold it")
    document = desktop.session.document
    document.do(SetMix(replace(document.project.mix, original=replace(ORIGINAL, gain_db=-6.0))))
    qtbot.waitUntil(lambda: figures(page)[0] == ("Made anew", "the sound: it is mixed"), timeout=20_000)
    page.preset.setCurrentText("Match source")
    assert page.warnings.banners


def test_the_report_says_that_sound_was_mixed_and_the_jobs_row_no_time_twice(page, desktop, qtbot):
    document = desktop.session.document
    document.do(SetMix(replace(document.project.mix, original=replace(ORIGINAL, gain_db=-6.0))))
    qtbot.waitUntil(lambda: document.is_saved and page.plan is not None, timeout=20_000)
    page.start()
    qtbot.waitUntil(lambda: page._report.count() == 1, timeout=60_000)
    (banner,) = banners(page._report)
    assert re.search(r" Sound: mixed, and encoded anew, \d+ packets\. [\d.]+ kB, [\d.]+ s\.$", banner.why.text())
    (job,) = [job for job in desktop.session.jobs.shown if job.title.startswith("Export")]
    assert job.note.endswith(" kB.")
    for _ in range(2):
        page._full()
    (_, text) = banners(page._report)
    assert "The sound is the film's own, encoded anew in AAC." in text.toPlainText().splitlines()


def test_a_change_shows_in_the_plan_with_its_reason(page, desktop, qtbot):
    patch(desktop)
    qtbot.waitUntil(lambda: page.plan.frames_rendered > 0, timeout=20_000)
    rows = [[page.model.index(row, column).data() for column in range(4)] for row in range(page.model.rowCount())]
    changed = [row for row in rows if row[3] == "Patch “Mug”"]
    assert [(row[0], row[2]) for row in changed] == [("Re-encoded", "6")]
    assert sum(int(row[2].replace(",", "")) for row in rows) == desktop.session.document.project.frame_count


def test_the_export_is_written_checked_and_reported(page, desktop, film, qtbot):
    patch(desktop)
    qtbot.waitUntil(lambda: page.plan.frames_rendered > 0, timeout=20_000)
    QTest.mouseClick(page.button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: page._report.count() == 1, timeout=60_000)
    assert "checked" in banners(page._report)[0].what.text()
    target = film.with_name("Mug – edited.mp4")
    report = verify(film, target, progress=Progress(), cancel=CancelToken())
    assert report.verified
    assert report.audio_identical
    assert page.target.text() == str(film.with_name("Mug – edited 2.mp4"))
    (job,) = [job for job in desktop.session.jobs.shown if job.title.startswith("Export")]
    assert job.state is JobState.DONE
    assert [text for text, _ in job.actions] == ["Open folder", "Play"]


def test_an_export_that_is_cancelled_leaves_nothing(page, desktop, film, folder, qtbot):
    patch(desktop)
    qtbot.waitUntil(lambda: desktop.session.document.is_saved)
    page.start()
    QTest.mouseClick(page.cancel, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: page._export is None, timeout=60_000)
    (job,) = [job for job in desktop.session.jobs.shown if job.title.startswith("Export")]
    assert job.state is JobState.CANCELLED
    assert sorted(path.name for path in folder.glob("*.mp4")) == ["Mug.mp4"]


def test_an_export_onto_the_film_itself_is_refused_and_the_film_stays(page, film, qtbot):
    before = film.read_bytes()
    page.target.setText(str(film))
    page.window().resize(1100, 640)
    bar = page._area.verticalScrollBar()
    qtbot.waitUntil(lambda: bar.maximum() > 0)
    bar.setValue(bar.maximum())
    page.start()
    qtbot.waitUntil(lambda: page._report.count() == 1, timeout=60_000)
    assert bar.value() == 0, "what happened is in sight"
    banner = banners(page._report)[0]
    assert "did not finish" in banner.what.text()
    assert film.read_bytes() == before
    assert [button.text() for button in banner.findChildren(QPushButton)] == ["Choose another name…"]


def test_a_folder_that_is_not_there_is_told_on_the_page_before_anything_runs(page, desktop, folder):
    page.target.setText(str(folder / "nowhere" / "film.mp4"))
    QTest.mouseClick(page.button, Qt.MouseButton.LeftButton)
    (banner,) = banners(page._report)
    assert banner.what.text() == "The folder is not there."
    assert "nowhere" in banner.why.text()
    assert [button.text() for button in banner.findChildren(QPushButton)] == ["Choose another place…"]
    assert page._export is None


def test_a_file_that_is_there_is_replaced_only_when_that_is_said(page, folder, qtbot):
    there = folder / "Old.mp4"
    there.write_bytes(b"kept")
    page.target.setText(str(there))
    QTest.mouseClick(page.button, Qt.MouseButton.LeftButton)
    (banner,) = banners(page._report)
    assert banner.what.text() == "“Old.mp4” is there already."
    keep, swap = banner.findChildren(QPushButton)
    QTest.mouseClick(keep, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: (folder / "Old 2.mp4").exists() and page._export is None, timeout=60_000)
    assert there.read_bytes() == b"kept"
    page.target.setText(str(there))
    page.start()
    swap = banners(page._report)[0].findChildren(QPushButton)[1]
    QTest.mouseClick(swap, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: page._export is None and there.stat().st_size > 1000, timeout=60_000)


def test_what_is_not_approved_is_told_and_can_be_left_out_and_in_again(page, desktop, qtbot):
    patch(desktop, ReviewState.PROPOSED)
    qtbot.waitUntil(lambda: any("Mug" in banner.what.text() for banner in page.warnings.banners), timeout=20_000)
    (choice,) = page.warnings.findChildren(Segmented)
    assert choice.current == "in"
    QTest.mouseClick(choice.button("out"), Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: page.plan.frames_rendered == 0, timeout=20_000)
    (banner,) = page.warnings.banners
    assert banner.why.text() == "It is left out of the film."
    (choice,) = banner.findChildren(Segmented)
    assert choice.current == "out"
    QTest.mouseClick(choice.button("in"), Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: page.plan.frames_rendered > 0, timeout=20_000)
    desktop.session.document.undo()
    qtbot.waitUntil(lambda: page.plan.frames_rendered == 0, timeout=20_000)


def test_a_tail_that_runs_to_the_end_is_told_shown_in_the_plan_and_kept(page, desktop, qtbot):
    patch(desktop)
    qtbot.waitUntil(lambda: page.plan.frames_rendered > 0, timeout=20_000)
    frames = desktop.session.document.project.frame_count
    tail = Range(60, frames)
    plan = replace(
        page.plan,
        segments=(
            CopySegment(Range(0, 60)),
            RenderSegment(Range(60, 66), Reason.CHANGED),
            RenderSegment(Range(66, frames), Reason.TAIL_TO_END),
        ),
        warnings=(
            "29 frames are re-encoded for 6 changed ones: no keyframe follows frame 65 at which a copy may begin",
        ),
    )
    page._planned(Planned(desktop.session.document.project, plan, Estimate(80.0, 1e6)))
    (banner,) = page.warnings.banners
    assert banner.what.text() == f"{len(tail):,} frames are re-encoded for 6 changed ones."
    assert "keyframe" in banner.why.text()
    assert "about 1 min 20 s" in banner.why.text()
    show, keep = (button for button in banner.findChildren(QPushButton) if button.text())
    assert (show.text(), keep.text()) == ("Show in plan", "Keep")
    QTest.mouseClick(show, Qt.MouseButton.LeftButton)
    assert [index.row() for index in page.table.selectionModel().selectedRows()] == [2]
    QTest.mouseClick(keep, Qt.MouseButton.LeftButton)
    assert page.warnings.banners == []
    page.refresh()
    assert page.warnings.banners == []


def test_editing_goes_on_while_an_export_runs_and_does_not_change_it(page, desktop, film, qtbot):
    page.start()
    desktop.session.document.do(RenameProject("Later"))
    qtbot.waitUntil(lambda: page._report.count() == 1, timeout=60_000)
    assert film.with_name("Mug – edited.mp4").exists()


def test_the_web_preset_writes_another_file(page, film, qtbot):
    names = [page.preset.itemData(number).name for number in range(page.preset.count())]
    page.preset.setCurrentIndex(names.index("web-mp4"))
    assert page.target.text().endswith(".mp4")
    page.start()
    qtbot.waitUntil(lambda: page._report.count() == 1, timeout=60_000)
    assert banners(page._report)[0].what.text() == "Exported."


def choose(page, name):
    names = [page.preset.itemData(number).name for number in range(page.preset.count())]
    page.preset.setCurrentIndex(names.index(name))


def figures(page):
    return [(figure._number.text(), figure._what.text()) for figure in page._figures]


def exported(page, qtbot):
    page._last = None
    page.start()
    qtbot.waitUntil(lambda: page._last is not None, timeout=60_000)
    return page._last


@pytest.mark.parametrize("part", [None, Range(50, 80)])
def test_what_is_shown_before_an_export_that_copies_is_what_it_then_does(page, desktop, qtbot, part):
    patch(desktop)
    total = 100
    if part is not None:
        total = len(part)
        desktop.session.document.do(SetInOut(part))
        page.range.setCurrentIndex(1)
    qtbot.waitUntil(lambda: page.plan is not None and page.plan.frames_rendered > 0, timeout=20_000)
    assert page.plan.frames_total == total
    (_, copied), (rendered, of), *_ = figures(page)
    assert copied == "copied, packet for packet"
    assert (rendered, of) == (str(page.plan.frames_rendered), f"of {total} frames re-encoded")
    changed = next(
        row for row in range(page.model.rowCount()) if page.model.data(page.model.index(row, 3)) == "Patch “Mug”"
    )
    # In the timecodes of the timeline, and there the row leads.
    assert page.model.data(page.model.index(changed, 1)).startswith("00:00:02:10")
    page._go_to_segment(page.model.index(changed, 0))
    assert desktop.session.transport.frame == 60
    shown = page.plan
    report = exported(page, qtbot)
    assert (report.plan.frames_copied, report.plan.frames_rendered) == (shown.frames_copied, shown.frames_rendered)
    assert [segment.frames for segment in report.plan.segments] == [segment.frames for segment in shown.segments]


@pytest.mark.parametrize("part", [None, Range(50, 80)])
def test_each_preset_writes_as_many_pictures_as_the_page_says(page, desktop, qtbot, part):
    patch(desktop)
    if part is not None:
        desktop.session.document.do(SetInOut(part))
        page.range.setCurrentIndex(1)
    total = 100 if part is None else len(part)
    qtbot.waitUntil(lambda: page.plan is not None and page.plan.frames_rendered > 0, timeout=20_000)
    names = [page.preset.itemData(number).name for number in range(page.preset.count())]
    assert names[0] == "source"
    for name in names[1:]:
        choose(page, name)
        (sound, _), (number, words), *_ = figures(page)
        assert str(total) in words or name in ("audio", "png")
        report = exported(page, qtbot)
        assert report.frames == (0 if name == "audio" else int(number)), name
        if name == "audio":
            assert number == "–"
            assert sound == ("Copied" if part is None else "Made anew")
            assert ("copied" in report.sound) is (part is None)


def test_without_marks_there_is_no_part_to_export_and_it_says_how_to_mark_one(page, desktop, qtbot):
    page.range.setCurrentIndex(1)
    assert page.plan is None
    (banner,) = page.warnings.banners
    assert "Mark in and out first" in banner.why.text()
    desktop.session.document.do(SetInOut(Range(10, 20)))
    qtbot.waitUntil(lambda: page.plan is not None, timeout=20_000)
    assert page.plan.frames_total == 10
    page.range.setCurrentIndex(0)
    assert page.plan.frames_total == 100


def test_what_lies_outside_the_exported_part_is_not_said_to_be_in_it(page, desktop, qtbot):
    patch(desktop, ReviewState.PROPOSED)

    def named(page):
        return [banner for banner in page.warnings.banners if "Mug" in banner.what.text()]

    qtbot.waitUntil(lambda: len(named(page)) == 1, timeout=20_000)
    desktop.session.document.do(SetInOut(Range(10, 20)))
    page.range.setCurrentIndex(1)
    qtbot.waitUntil(lambda: page.plan is not None and not named(page), timeout=20_000)


def test_following_that_is_still_to_be_done_is_told_with_the_time(page, desktop):
    planned = desktop.session.live_plan.planned
    for to_follow, words in (
        (ToFollow(75, 0.0, 75), "to export and check, plus following 75 frames"),
        (ToFollow(75, 9.0, 0), "to follow 75 frames, export and check"),
        (ToFollow(), "to export and check"),
    ):
        page._planned(replace(planned, estimate=Estimate(12.0, 1e6, to_follow)))
        assert figures(page)[2] == ("About 12 s", words)
    choose(page, "prores")
    page._planned(replace(planned, estimate=Estimate(12.0, 1e6, ToFollow(75, 9.0, 0))))
    assert figures(page)[2][1] == "told while it is exported; 75 frames are followed first"
