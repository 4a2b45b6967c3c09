"""How quickly the viewer shows frames: steps, cached steps, seeks beside plain decoding, playing with three layers.

The film is made here: 1080p at 30 frames/s, a moving texture, a keyframe every second.
"""

from __future__ import annotations

import os
import random
import statistics
import tempfile
import time
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import av
import numpy as np
from av.video.frame import VideoFrame
from PySide6.QtCore import QEventLoop, Qt, QTimer
from PySide6.QtWidgets import QApplication, QWidget

from app.session.session import Session, new_session
from app.session.settings import Settings
from app.session.sound_output import NoDevice
from app.ui.actions import ActionTable
from app.ui.context import Context
from app.ui.theme import Theme
from app.ui.viewer import ViewerArea
from app.workflows.import_media import new_project
from app.workflows.open_for_editing import open_for_editing
from engine.control import CancelToken, Progress
from engine.media.decode import FrameReader
from engine.model.captions import Caption
from engine.model.edits import AddItems, AddPatch, Edit
from engine.model.overlay import Overlay, Title
from engine.model.patch import Patch
from engine.model.place import AtTimeline, OnTimeline
from engine.model.region import Ellipse
from engine.model.time import Range
from engine.model.tool import Blur
from engine.render.film import Film

RATE = 30
WIDTH, HEIGHT = 1920, 1080
STEPS, SEEKS = 60, 24


class _Silent:
    def open(self, fill: object) -> None:
        raise NoDevice("a bench makes no noise")

    def now(self) -> float:
        return 0.0

    def close(self) -> None:
        return None


class _Notices:
    def say(self, text: str) -> None:
        print(text)

    def show_banner(self, banner: object) -> None:
        return None

    def show_panel(self, name: str) -> None:
        return None


def film(path: Path, seconds: int) -> Path:
    """Write the film."""
    rng = np.random.default_rng(3)
    world = rng.integers(40, 215, (HEIGHT // 8, WIDTH // 4), np.uint8)
    wide = np.kron(world, np.ones((8, 8), np.uint8))
    with av.open(str(path), "w") as out:
        stream = out.add_stream("libx264", rate=RATE)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        stream.time_base = Fraction(1, RATE)
        stream.options = {"preset": "veryfast", "g": str(RATE), "bf": "2", "crf": "26"}
        for number in range(seconds * RATE):
            frame = VideoFrame(WIDTH, HEIGHT, "yuv420p")
            left = (number * 4) % WIDTH
            luma = np.ascontiguousarray(wide[:, left : left + WIDTH])
            for plane, values in zip(
                frame.planes,
                (luma, np.full((540, 960), 110, np.uint8), np.full((540, 960), 140, np.uint8)),
                strict=True,
            ):
                rows = np.frombuffer(memoryview(plane), np.uint8).reshape(plane.height, plane.line_size)
                rows[:, : plane.width] = values
            frame.pts, frame.time_base = number, Fraction(1, RATE)
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    return path


def wait(app: QApplication, done: Callable[[], bool], most_s: float = 60.0) -> float:
    """Run the event loop until something is so; return how long it took, in seconds."""
    started = time.perf_counter()
    loop = QEventLoop()
    poll = QTimer()
    poll.setTimerType(Qt.TimerType.PreciseTimer)
    poll.timeout.connect(lambda: loop.quit() if done() or time.perf_counter() - started > most_s else None)
    poll.start(1)
    if not done():
        loop.exec()
    poll.stop()
    if not done():
        raise TimeoutError(f"not within {most_s} s")
    return time.perf_counter() - started


def percentile(values: list[float], share: float) -> float:
    """Return a percentile of some values."""
    return sorted(values)[min(len(values) - 1, round(share * (len(values) - 1)))]


def told(name: str, values_s: list[float], bound: str) -> None:
    """Print the percentiles of durations."""
    p50, p95 = (1000 * percentile(values_s, share) for share in (0.5, 0.95))
    print(f"{name:<44} p50 {p50:7.1f} ms   p95 {p95:7.1f} ms   {bound}", flush=True)


class Viewer:
    """The viewer on an open project, and how long it takes to show a frame."""

    def __init__(self, app: QApplication, session: Session, area: ViewerArea) -> None:
        self.app = app
        self.session = session
        self.canvas = area.canvas

    def settle(self) -> None:
        """Wait until nothing is being made."""
        wait(self.app, lambda: self.session.preview.is_idle)

    def seek(self, frame: int) -> float:
        """Go to a frame; return how long it took until it was painted, in seconds."""
        started = time.perf_counter()
        self.session.transport.seek(frame)
        # A picture that is there shows in this very call.
        if self.canvas.shown_frame != frame:
            wait(self.app, lambda: self.canvas.shown_frame == frame)
        self.canvas.repaint()
        return time.perf_counter() - started

    def steps(self) -> list[float]:
        """Step from frame to frame with nothing at hand."""
        self.seek(0)
        taken = []
        for frame in range(1, STEPS + 1):
            self.session.preview.forget_pictures()
            taken.append(self.seek(frame))
        return taken

    def cached_steps(self, count: int) -> list[float]:
        """Step through frames that were made ahead."""
        taken = []
        for start in range(0, count - 40, max(30, count // 8)):
            self.seek(start)
            self.settle()
            taken += [self.seek(frame) for frame in range(start + 1, start + 12)]
        return taken

    def seeks(self, places: list[int]) -> list[float]:
        """Go to places with nothing at hand, each when all is quiet."""
        taken = []
        for frame in places:
            self.settle()
            self.session.preview.forget_pictures()
            taken.append(self.seek(frame))
        return taken

    def play(self, seconds: float) -> tuple[int, int]:
        """Play from the start; return how many frames were dropped, of how many."""
        transport = self.session.transport
        self.seek(0)
        self.settle()
        transport.play()
        wait(self.app, lambda: not transport.is_playing or transport.frame >= seconds * RATE, seconds + 30)
        transport.pause()
        return self.session.playback.dropped, transport.frame


def decoded_only(film: Film, places: list[int]) -> list[float]:
    """Return how long a bare reader takes for the same frames, in seconds."""
    taken = []
    with FrameReader(film.path, film.info, film.index) as reader:
        reader.frame(0)
        for frame in places:
            started = time.perf_counter()
            reader.frame(frame)
            taken.append(time.perf_counter() - started)
    return taken


def measure(viewer: Viewer, edits: tuple[Edit, ...], play_s: float) -> None:
    """Measure the film alone, then with three layers."""
    document = viewer.session.document
    count = document.project.frame_count
    wait(viewer.app, lambda: viewer.canvas.shown_frame is not None)
    told("frame step, nothing cached", viewer.steps(), "wanted: p95 <= 40 ms")
    told("frame step, cached", viewer.cached_steps(count), "wanted: 5 ms")
    random.seed(5)
    places = [random.randrange(count) for _ in range(SEEKS)]
    seeks = viewer.seeks(places)
    told("random seek", seeks, "")
    bare = decoded_only(next(iter(document.films.values())), places)
    told("the same frames, decoded only", bare, "")
    ratio = statistics.median(seeks) / statistics.median(bare)
    print(f"{'random seek against decoding only':<44} {ratio:7.2f} x of the median; wanted: <= 1.2")
    for edit in edits:
        assert document.do(edit)
    viewer.settle()
    told("frame step, three layers, nothing cached", viewer.steps(), "")
    dropped, shown = viewer.play(play_s)
    print(f"{'playing at 30 frames/s, three layers':<44} {dropped} dropped of {shown} frames; wanted: 0")


def main(arguments: list[str]) -> int:
    """Run the bench; the first argument is how many seconds to play (30)."""
    play_s = float(arguments[0]) if arguments else 30.0
    app = QApplication.instance() or QApplication([])
    assert isinstance(app, QApplication)
    app.setStyle("Fusion")
    with tempfile.TemporaryDirectory() as folder:
        os.environ["DELTACUT_CACHE"] = str(Path(folder) / "cache")
        path = Path(folder) / "film.dcut"
        new_project(path, film(Path(folder) / "film.mp4", int(play_s) + 2), Progress(), CancelToken())
        session = new_session(Settings(Path(folder) / "window.json"), _Silent())
        theme = Theme(session.settings)
        theme.apply(app)
        window = QWidget()
        actions = ActionTable(session, theme, window)
        area = ViewerArea(Context(session, theme, actions, _Notices()))
        area.setParent(window)
        actions.add(area.actions_of_panel())
        window.resize(1920, 1080)
        area.setGeometry(0, 0, 1920, 1080)
        window.show()
        session.document.adopt(open_for_editing(path, Progress(), CancelToken()))
        source = session.document.project.sources[0]
        frames = Range(0, source.frame_count)
        print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores; viewer {area.canvas.size().toTuple()}")
        edits: tuple[Edit, ...] = (
            AddPatch(Patch.with_tool("patch", source.id, Ellipse(0.3, 0.3, 0.6, 0.6), frames, 0, Blur(12.0), 12.0)),
            AddItems("overlays", (Overlay("title", OnTimeline(frames), Title("Ana and Pixel")),)),
            AddItems("captions", (Caption("line", AtTimeline(Fraction(0), Fraction(600)), "We walked down."),)),
        )
        measure(Viewer(app, session, area), edits, play_s)
        window.hide()
        session.shut_down()
        window.deleteLater()
        app.processEvents()
    return 0
