"""A file that breaks its reader costs one error, not the program."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from engine.control import CancelToken, Progress
from engine.errors import Cancelled, DamagedMedia, UnsupportedMedia
from engine.media import guard
from engine.media.guard import MEMORY_LIMIT_BYTES, run_guarded, run_guarded_task
from engine.media.probe import probe
from tests.corpus.small_clips import Recipe, make

FILM = Path("film.mp4")


def double(path: Path, number: int) -> tuple[str, int]:
    return path.name, number * 2


def crash(path: Path) -> None:
    os.abort()


def leave(path: Path) -> None:
    os._exit(7)


def hang(path: Path) -> None:
    time.sleep(600)


def eat(path: Path) -> int:
    return len(bytearray(MEMORY_LIMIT_BYTES + (1 << 30)))


def refuse(path: Path) -> None:
    raise UnsupportedMedia(f"{path} is not wanted")


def trip(path: Path) -> None:
    raise KeyError(path.name)


def write(path: Path) -> None:
    path.write_bytes(bytes(10))


def count(path: Path, to: int, progress: Progress, cancel: CancelToken) -> int:
    for n in range(to):
        progress.report(f"counting {path.name}", n / to)
        time.sleep(0.02)
    return to


def count_for_ever(path: Path, progress: Progress, cancel: CancelToken) -> None:
    while True:
        progress.report("counting", 0.5)
        time.sleep(0.02)


@pytest.fixture(params=["fork", "spawn"], autouse=True)
def start_method(request, monkeypatch):
    monkeypatch.setattr(guard, "_may_fork", lambda: request.param == "fork")


def test_the_result_comes_back():
    assert run_guarded(double, FILM, 21, timeout_s=30) == ("film.mp4", 42)


def test_a_probe_gives_the_same_in_a_child(tmp_path):
    path = make(tmp_path / "a.mp4", Recipe(frames=3))
    assert run_guarded(probe, path, timeout_s=30) == probe(path)


@pytest.mark.parametrize(("function", "said"), [(crash, "SIGABRT"), (leave, "exit code 7")])
def test_a_crash_is_a_damaged_file(function, said):
    with pytest.raises(DamagedMedia, match=rf"film\.mp4 makes the decoder crash \({said}\)"):
        run_guarded(function, FILM, timeout_s=30)


def test_a_hang_is_ended_and_is_a_damaged_file():
    before = time.monotonic()
    with pytest.raises(DamagedMedia, match=r"film\.mp4 makes the decoder hang"):
        run_guarded(hang, FILM, timeout_s=1)
    assert time.monotonic() - before < 20


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="memory is limited on Linux only")
def test_a_file_that_takes_all_memory_is_damaged():
    with pytest.raises(DamagedMedia, match=r"film\.mp4 needs over 3 GB"):
        run_guarded(eat, FILM, timeout_s=60)


def test_errors_come_through_as_they_are():
    with pytest.raises(UnsupportedMedia, match=r"film\.mp4 is not wanted"):
        run_guarded(refuse, FILM, timeout_s=30)
    with pytest.raises(KeyError):
        run_guarded(trip, FILM, timeout_s=30)


def test_a_child_cannot_write_files(tmp_path):
    with pytest.raises((OSError, DamagedMedia)):
        run_guarded(write, tmp_path / "stray", timeout_s=30)
    assert not (tmp_path / "stray").exists() or (tmp_path / "stray").stat().st_size == 0


def test_progress_is_passed_on_and_keeps_the_watchdog_quiet():
    heard = []
    # Alone it would take longer than it may be silent.
    assert run_guarded_task(count, FILM, 80, stall_s=1.2, progress=Progress(heard.append), cancel=CancelToken()) == 80
    assert heard[0].label == "counting film.mp4"
    assert len(heard) > 5


def test_a_task_is_ended_on_request():
    cancel = CancelToken()
    with pytest.raises(Cancelled):
        run_guarded_task(count_for_ever, FILM, stall_s=30, progress=Progress(lambda _: cancel.cancel()), cancel=cancel)
