"""What the whole window takes with a film of an hour: opened, gone about in, played, every panel looked at.

    python -m tests.bench ui_memory [--film FILM] [--minutes 60]

Without `--film` an hour of 1080p with sound is made by repeating half a minute without encoding it again. About 70 s
on a quiet machine, of which 20 make the film.
"""

from __future__ import annotations

import argparse
import os
import random
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

if TYPE_CHECKING:
    from app.ui.application import Desktop

_PART_S = 30
_RATE = 30


def main(arguments: list[str]) -> int:
    """Print the memory after each step, and the most there was during it."""
    parser = argparse.ArgumentParser(prog="tests.bench ui_memory")
    parser.add_argument("--film", type=Path)
    parser.add_argument("--minutes", type=int, default=60)
    # Run with the others, it is given what they take.
    given, _ = parser.parse_known_args(arguments)
    with tempfile.TemporaryDirectory() as name:
        scratch = Path(name)
        os.environ["DELTACUT_DATA"] = f"{scratch}/data"
        os.environ["DELTACUT_CACHE"] = f"{scratch}/cache"
        path = scratch / "long.mp4"
        if given.film is None:
            _film_apart(path, given.minutes)
        else:
            path.symlink_to(given.film.absolute())
        _measure(scratch, path)
    return 0


def _measure(scratch: Path, path: Path) -> None:
    import gc

    from PySide6.QtWidgets import QApplication

    from app.ui.start import SWITCH_S
    from tests.app.ui.desktop import whole

    sys.setswitchinterval(SWITCH_S)
    app = QApplication.instance() or QApplication([])
    assert isinstance(app, QApplication)
    app.setStyle("Fusion")
    desktop = whole(app, scratch / "data")
    # On a screen this small the window starts as large as that.
    desktop.window.showNormal()
    desktop.window.resize(1920, 1080)
    # As the start does once all is there.
    gc.freeze()
    _run_for(1000)
    _told("the window, nothing open")
    print(f"window {desktop.window.size().toTuple()}", flush=True)
    steps: tuple[tuple[str, Callable[[Desktop], None]], ...] = (
        ("25 places, a quarter of a second each", _go_about),
        ("8 s played", _play),
        ("200 frames stepped forwards and back", _step),
        ("the timeline scrolled", _scroll),
        ("all workspaces and panels", _look),
        ("10 more places", lambda desktop: _go_about(desktop, 10)),
    )
    desktop.projects.open(path)
    document = desktop.session.document
    _run_until(lambda: document.is_open and bool(document.films), 600.0)
    _run_for(3000)
    minutes = document.project.frame_count / float(document.project.canvas.rate) / 60
    most = [_told(f"a film of {minutes:.0f} minutes opened")]
    for what, step in steps:
        step(desktop)
        most.append(_told(what))
    print(f"{'the most of all':<44}{max(most):8.0f} MB   wanted: <= 600", flush=True)
    document.close()
    _run_for(2000)
    _told("closed")
    desktop.shut_down()


def _go_about(desktop: Desktop, count: int = 25) -> None:
    transport, places = desktop.session.transport, random.Random(count)
    for _ in range(count):
        transport.seek(places.randrange(transport.last_frame))
        _run_for(250)
    _run_for(1000)


def _play(desktop: Desktop) -> None:
    transport = desktop.session.transport
    transport.seek(transport.last_frame // 2)
    _run_for(500)
    transport.play()
    _run_for(8000)
    transport.pause()
    _run_for(500)


def _step(desktop: Desktop) -> None:
    for step in (1, -1):
        for _ in range(100):
            desktop.session.transport.step(step)
            _run_for(25)


def _scroll(desktop: Desktop) -> None:
    view = desktop.timeline.view
    for frames_per_px in (60.0, 12.0, 2.0):
        view.set_frames_per_px(frames_per_px)
        for _ in range(40):
            view.scroll_by(400, 0)
            _run_for(40)
    view.fit()
    _run_for(1500)


def _look(desktop: Desktop) -> None:
    for workspace in ("edit", "review", "deliver", "region"):
        desktop.window.show_workspace(workspace)
        _run_for(600)
    for panel in ("scopes", "history", "jobs", "captions", "transcript", "inspector"):
        desktop.window.show_panel(panel)
        _run_for(400)


def _told(what: str) -> float:
    """Print the memory, and the most since this was last called; return the latter, in MB."""
    now, most = _memory_mb("VmRSS"), _memory_mb("VmHWM")
    print(f"{what:<44}{now:8.0f} MB{most:8.0f} MB at most", flush=True)
    with suppress(OSError):
        # Linux: the most counts from here on (proc(5), clear_refs).
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    return most


def _film_apart(path: Path, minutes: int) -> None:
    """Write the film in a process of its own, whose memory does not count."""
    import subprocess

    subprocess.run(
        [sys.executable, "-c", f"from {__name__} import _write; _write({str(path)!r}, {minutes})"], check=True
    )


def _write(path: str, minutes: int) -> None:
    from tests.bench.ui_viewer import film

    part = film(Path(path).with_name("part.mp4"), _PART_S)
    _repeat(part, Path(path), minutes * 60 // _PART_S)
    part.unlink()


def _repeat(part: Path, path: Path, times: int) -> None:
    """Write a film over and over without encoding it again, with a sound beside it."""
    import av
    import numpy as np
    from av.audio.frame import AudioFrame

    tone = np.sin(np.arange(48_000) * (2 * np.pi * 440 / 48_000)).astype(np.float32)[None] * 0.25
    with av.open(str(path), "w") as out:
        sound = out.add_stream("aac", rate=48_000, layout="mono")
        with av.open(str(part)) as first:
            video = out.add_stream_from_template(first.streams.video[0])
        encoded = []
        for second in range(_PART_S):
            frame = AudioFrame.from_ndarray(tone, "fltp", "mono")
            frame.sample_rate, frame.pts = 48_000, second * 48_000
            encoded += sound.encode(frame)
        encoded += sound.encode(None)
        # Whole packets of 1,024 samples: the seam of two parts is heard, which nobody does here.
        samples = len(encoded) * 1024
        for turn in range(times):
            with av.open(str(part)) as source:
                stream = source.streams.video[0]
                ahead = turn * int(stream.duration or 0)
                for packet in source.demux(stream):
                    if packet.dts is None:
                        continue
                    packet.pts, packet.dts = packet.pts + ahead, packet.dts + ahead
                    packet.stream = video
                    out.mux(packet)
            for number, packet in enumerate(encoded):
                copy = av.Packet(bytes(packet))
                copy.pts = copy.dts = turn * samples + number * 1024
                copy.duration, copy.time_base, copy.stream = 1024, packet.time_base, sound
                out.mux(copy)


def _run_until(done: Callable[[], bool], most_s: float) -> None:
    began = time.monotonic()
    while not done():
        if time.monotonic() - began > most_s:
            raise TimeoutError(f"not within {most_s} s")
        _run_for(50)


def _run_for(ms: int) -> None:
    """Run the event loop; unlike processing events one by one it also deletes what was to be deleted later."""
    from PySide6.QtCore import QEventLoop, QTimer

    loop = QEventLoop()
    QTimer.singleShot(ms, loop.quit)
    loop.exec()


def _memory_mb(what: str) -> float:
    """Return the memory in use ("VmRSS"), or the most there was ("VmHWM"), where the system tells it (Linux)."""
    try:
        status = Path("/proc/self/status").read_text(encoding="ascii")
        return int(status.partition(f"{what}:")[2].split()[0]) / 1e3
    except (OSError, IndexError):
        import resource

        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1e6 if sys.platform == "darwin" else 1e3)
