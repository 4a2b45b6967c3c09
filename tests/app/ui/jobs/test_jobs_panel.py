"""The queue: every job says how far it is, whatever the others do."""

import time
from threading import Event

from app.session.jobs import JobKind
from app.ui.jobs import JobsPanel
from engine.errors import StorageError


def test_a_job_without_progress_counts_on_while_another_one_reports_all_the_time(stage, qtbot):
    panel = JobsPanel(stage.context)
    stage.show(panel, 400, 400)
    over = Event()

    def reports(progress, cancel):
        while not over.wait(0.02):
            progress.report("re-encoding", 0.5)

    def quiet(progress, cancel):
        over.wait()

    jobs = stage.session.jobs
    counting = jobs.start("Transcribe", JobKind.TRANSCRIBE, quiet)
    jobs.start("Export", JobKind.EXPORT, reports)
    row = panel._rows[counting]
    counting.started_s = time.monotonic() - 90
    try:
        qtbot.waitUntil(lambda: "1 min 3" in row._state.text(), timeout=5000)
    finally:
        over.set()
    qtbot.waitUntil(lambda: not jobs.running)


def test_why_a_job_failed_has_the_whole_width_and_the_way_out_below_it(stage, qtbot):
    panel = JobsPanel(stage.context)
    stage.show(panel, 400, 400)

    def fails(progress, cancel):
        raise StorageError("“Films” has 12 MB left; the export needs 59 MB; choose another folder or free the cache")

    job = stage.session.jobs.start("Export", JobKind.EXPORT, fails)
    row = panel._rows[job]
    qtbot.waitUntil(
        lambda: job.is_over and row.retry.isVisible() and row.retry.y() > row._state.geometry().center().y()
    )
    assert row._state.text().startswith("“Films” has 12 MB left")
    assert row._state.width() > 300
    assert row.retry.y() >= row._state.geometry().bottom()
