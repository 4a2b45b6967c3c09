"""How quickly the viewer shows frames: steps, cached steps, seeks beside plain decoding, playing with three layers.

    python -m tests.bench ui_viewer [SECONDS]

The film is made here: 1080p at 30 frames/s, a moving texture, a keyframe every second. About 60 s on a quiet machine,
of which 30 are playing and 10 make the film; each row tells its own. A frame is dropped that the playhead passed
without its picture, and the row tells too how many were never painted. A seek and the decoding that it is held against
take turns, place by place, so that what else the machine does meets both. `main` is the interface thread's processor
time, which that touches less.
"""

from __future__ import annotations

import gc
import os
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import av
import numpy as np
from av.video.frame import VideoFrame
from PySide6.QtCore import QEvent, QEventLoop, QObject, Qt, QTimer
from PySide6.QtWidgets import QApplication, QWidget

from app.session.session import Session, new_session
from app.session.settings import Settings
from app.session.sound_output import NoDevice
from app.ui.actions import ActionTable
from app.ui.context import Context
from app.ui.qt_classes import each_class
from app.ui.start import SWITCH_S
from app.ui.theme import Theme
from app.ui.viewer import ViewerArea
from app.ui.viewer.canvas import Canvas
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


@dataclass(frozen=True, slots=True)
class Taken:
    """How long something took: by the clock, and the interface thread's processor time; seconds."""

    wall: float
    main: float


class Rows:
    """Prints figures, and how long it took to come by them."""

    def __init__(self) -> None:
        self._last = time.perf_counter()

    def durations(self, name: str, taken: list[Taken], bound: str = "") -> None:
        """Print the percentiles of durations."""
        p50, p95 = (1000 * percentile([each.wall for each in taken], share) for share in (0.5, 0.95))
        main = 1000 * percentile([each.main for each in taken], 0.95)
        self.row(name, f"p50 {p50:6.1f} ms  p95 {p95:6.1f} ms  main p95 {main:5.1f}", bound)

    def row(self, name: str, figure: str, bound: str = "") -> None:
        """Print a figure."""
        now = time.perf_counter()
        wanted = bound and f"wanted: {bound}"
        print(f"{name:<44} {figure:<46} {wanted:<22} ({now - self._last:.0f} s)", flush=True)
        self._last = now


class _Painted(QObject):
    """Takes note of the frames that a canvas paints."""

    def __init__(self, canvas: Canvas) -> None:
        super().__init__()
        self._canvas = canvas
        self.frames = {canvas.shown_frame}
        self.last: int | None = None
        canvas.installEventFilter(self)

    def eventFilter(self, _watched: QObject, event: QEvent) -> bool:
        if event.type() is QEvent.Type.Paint:
            self.last = self._canvas.shown_frame
            self.frames.add(self.last)
        return False

    def stop(self) -> None:
        self._canvas.removeEventFilter(self)


class Viewer:
    """The viewer on an open project, and how long it takes to show a frame."""

    def __init__(self, app: QApplication, session: Session, area: ViewerArea) -> None:
        self.app = app
        self.session = session
        self.canvas = area.canvas

    def settle(self) -> None:
        """Wait until nothing is being made."""
        wait(self.app, lambda: self.session.preview.is_idle)

    def seek(self, frame: int) -> Taken:
        """Go to a frame; return how long it took until it was painted."""
        painted = _Painted(self.canvas)
        started, worked = time.perf_counter(), time.thread_time()
        self.session.transport.seek(frame)
        # A picture that is there shows in this very call.
        if self.canvas.shown_frame != frame:
            wait(self.app, lambda: self.canvas.shown_frame == frame)
        # One that was waited for has been painted by then: once is enough.
        if painted.last != frame:
            self.canvas.repaint()
        taken = Taken(time.perf_counter() - started, time.thread_time() - worked)
        painted.stop()
        return taken

    def steps(self) -> list[Taken]:
        """Step from frame to frame with nothing at hand."""
        self.seek(0)
        taken = []
        for frame in range(1, STEPS + 1):
            self.session.preview.forget_pictures()
            taken.append(self.seek(frame))
        return taken

    def cached_steps(self, count: int) -> list[Taken]:
        """Step through frames that were made ahead."""
        taken = []
        for start in range(0, count - 40, max(30, count // 8)):
            self.seek(start)
            self.settle()
            taken += [self.seek(frame) for frame in range(start + 1, start + 12)]
        return taken

    def seeks(self, places: list[int], film: Film) -> tuple[list[Taken], list[Taken]]:
        """Go to places with nothing at hand, each when all is quiet, and have a bare reader decode the same frames.

        The reader is kept open and has as many threads as ours; it goes as every reader does, from the nearest keyframe
        on through all frames, and converts nothing.
        """
        ours, bare = [], []
        with FrameReader(film.path, film.info, film.index) as reader:
            reader.frame(0)
            for frame in places:
                self.settle()
                started = time.perf_counter()
                reader.frame(frame)
                bare.append(Taken(time.perf_counter() - started, 0.0))
                self.session.preview.forget_pictures()
                ours.append(self.seek(frame))
        return ours, bare

    def play(self, seconds: float) -> tuple[list[int], int, int]:
        """Play from the start.

        Returns:
            The frame after each that was dropped, how many frames there were, and how many of them were not painted.
        """
        transport, playback = self.session.transport, self.session.playback
        dropped: list[int] = []

        def note(count: int) -> None:
            dropped.extend([transport.frame] * (count - len(dropped)))

        self.seek(0)
        self.settle()
        playback.dropped_changed.connect(note)
        painted = _Painted(self.canvas)
        transport.play()
        wait(self.app, lambda: not transport.is_playing or transport.frame >= seconds * RATE, seconds + 30)
        transport.pause()
        playback.dropped_changed.disconnect(note)
        painted.stop()
        return dropped, transport.frame, transport.frame - len(painted.frames & set(range(transport.frame)))


def measure(viewer: Viewer, edits: tuple[Edit, ...], play_s: float) -> None:
    """Measure the film alone, then with three layers."""
    rows = Rows()
    document = viewer.session.document
    count = document.project.frame_count
    wait(viewer.app, lambda: viewer.canvas.shown_frame is not None)
    rows.durations("frame step, nothing cached", viewer.steps(), "p95 <= 40 ms")
    rows.durations("frame step, cached", viewer.cached_steps(count), "p95 <= 5 ms")
    random.seed(5)
    places = [random.randrange(count) for _ in range(SEEKS)]
    seeks, bare = viewer.seeks(places, next(iter(document.films.values())))
    rows.durations("random seek", seeks)
    rows.durations("the same frames, decoded only", bare)
    medians = statistics.median(each.wall for each in seeks), statistics.median(each.wall for each in bare)
    pairs = statistics.median(one.wall / other.wall for one, other in zip(seeks, bare, strict=True))
    figure = f"{medians[0] / medians[1]:.2f} x of the median; {pairs:.2f} x at the median place"
    rows.row("random seek against decoding only", figure, "<= 1.2")
    for edit in edits:
        assert document.do(edit)
    viewer.settle()
    rows.durations("frame step, three layers, nothing cached", viewer.steps())
    worked = time.process_time()
    dropped, shown, unpainted = viewer.play(play_s)
    cpu = (time.process_time() - worked) / play_s
    figure = f"{len(dropped)} dropped, {unpainted} not painted of {shown}, {cpu:.1f} processors"
    rows.row("playing at 30 frames/s, three layers", figure, "0")
    if dropped:
        print(f"  dropped before the frames {' '.join(map(str, dropped[:20]))}")


def main(arguments: list[str]) -> int:
    """Run the bench; the first argument is how many seconds to play (30)."""
    play_s = float(arguments[0]) if arguments else 30.0
    app = QApplication.instance() or QApplication([])
    assert isinstance(app, QApplication)
    # As the window's own start has it.
    sys.setswitchinterval(SWITCH_S)
    for _ in each_class():
        pass
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
        gc.collect()
        gc.freeze()
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
