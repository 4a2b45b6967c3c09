"""Jobs: work on threads of its own, told in the main thread, ended cleanly."""

from __future__ import annotations

import threading
import time

import pytest
from PySide6.QtCore import QThread

from app.session.asking import MainThread
from app.session.jobs import InternalError, JobKind, Jobs, JobState
from engine.errors import Cancelled, UsageError


@pytest.fixture
def jobs(qtbot):
    made = Jobs()
    yield made
    made.stop_all()


def started(jobs, work):
    return jobs.start("Work", JobKind.OTHER, work)


def test_work_runs_on_another_thread_and_its_value_comes_back_on_the_main_one(jobs, qtbot):
    main, seen = QThread.currentThread(), []
    job = started(jobs, lambda _progress, _cancel: QThread.currentThread())
    job.then(lambda thread: seen.append((thread, QThread.currentThread())))
    qtbot.waitUntil(lambda: bool(seen))
    assert seen[0][0] is not main
    assert seen[0][1] is main
    assert job.state is JobState.DONE


def test_progress_is_told(jobs, qtbot):
    job = started(jobs, lambda progress, _cancel: progress.report("half", 1.0))
    qtbot.waitUntil(lambda: job.is_over)
    assert (job.progress.label, job.progress.fraction) == ("half", 1.0)


def test_a_failure_keeps_our_error_and_where_it_happened(jobs, qtbot):
    def work(_progress, _cancel):
        raise UsageError("no such frame")

    told = []
    job = started(jobs, work).then(None, told.append)
    qtbot.waitUntil(lambda: job.is_over)
    assert (job.state, str(job.error), told) == (JobState.FAILED, "no such frame", [job.error])
    assert "in work" in job.log


def test_an_error_that_nobody_foresaw_is_told_in_our_words(jobs, qtbot):
    job = started(jobs, lambda _progress, _cancel: 1 // 0)
    qtbot.waitUntil(lambda: job.is_over)
    assert isinstance(job.error, InternalError)
    assert "ZeroDivisionError" in str(job.error)


def test_cancel_ends_a_job_that_looks_at_its_token(jobs, qtbot):
    begun = threading.Event()

    def work(_progress, cancel):
        begun.set()
        while True:
            cancel.check()

    told = []
    job = started(jobs, work).then(told.append, told.append)
    assert begun.wait(5)
    job.cancel()
    qtbot.waitUntil(lambda: job.is_over)
    assert (job.state, told) == (JobState.CANCELLED, [])


def test_a_retried_job_takes_the_place_of_the_one_that_failed(jobs, qtbot):
    answers = [UsageError("not yet"), "done"]

    def work(_progress, _cancel):
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    told = []
    job = started(jobs, work).then(told.append)
    qtbot.waitUntil(lambda: job.is_over)
    again = jobs.retry(job)
    qtbot.waitUntil(lambda: again.is_over)
    assert (jobs.shown, told) == ([again], ["done"])


def test_a_quiet_job_is_not_in_the_list(jobs, qtbot):
    told = []
    jobs.start_quietly("Look", lambda _progress, _cancel: 7).then(told.append)
    qtbot.waitUntil(lambda: told == [7])
    assert jobs.shown == []


def test_a_worker_that_asks_waits_for_the_answer_of_the_main_thread(jobs, qtbot):
    asking, main = MainThread(), QThread.currentThread()
    job = started(jobs, lambda _progress, _cancel: asking.call(lambda: QThread.currentThread() is main))
    qtbot.waitUntil(lambda: job.is_over)
    assert job.result is True


def test_a_worker_that_asks_while_the_application_closes_is_let_go(jobs, qtbot):
    asking = MainThread()
    asking.close()
    job = started(jobs, lambda _progress, _cancel: asking.call(lambda: 1))
    qtbot.waitUntil(lambda: job.is_over)
    assert job.state is JobState.CANCELLED


def test_a_worker_whose_question_has_not_reached_the_main_thread_is_let_go_when_the_application_closes(qtbot):
    asking, said = MainThread(), []

    def ask():
        try:
            said.append(asking.call(lambda: 1))
        except Cancelled:
            said.append("let go")

    worker = threading.Thread(target=ask, daemon=True)
    worker.start()
    while not asking.is_waited_for:
        time.sleep(0.001)
    asking.close()
    worker.join(5)  # no event is handled meanwhile, as when the main thread waits for its jobs
    assert said == ["let go"]


def test_what_the_question_raises_goes_to_the_worker(jobs, qtbot):
    asking = MainThread()

    def refuse():
        raise Cancelled("stopped on request")

    job = started(jobs, lambda _progress, _cancel: asking.call(refuse))
    qtbot.waitUntil(lambda: job.is_over)
    assert job.state is JobState.CANCELLED


def test_once_shut_down_nothing_begins_any_more(jobs, qtbot):
    jobs.shut_down()
    ran, told = [], []
    late = started(jobs, lambda _progress, _cancel: ran.append("shown")).then(told.append)
    jobs.start_quietly("Look", lambda _progress, _cancel: ran.append("quiet")).then(told.append)
    again = jobs.retry(late)
    qtbot.wait(50)
    assert (ran, told) == ([], [])
    assert late.state is again.state is JobState.CANCELLED
    assert jobs.running == []
