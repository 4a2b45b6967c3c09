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
from engine.model.edits import AddItems, AddPatch
from engine.model.overlay import Overlay, Title
from engine.model.patch import Patch
from engine.model.place import AtTimeline, OnTimeline
from engine.model.region import Ellipse
from engine.model.time import Range
from engine.model.tool import Blur

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


def measure(app: QApplication, session: Session, area: ViewerArea, play_s: float) -> None:
    """Measure everything on an open project."""
    canvas, transport = area.canvas, session.transport
    count = session.document.project.frame_count
    film_path = next(iter(session.document.films.values()))

    def shows(frame: int) -> Callable[[], bool]:
        return lambda: canvas.shown_frame == frame

    def seek(frame: int) -> float:
        started = time.perf_counter()
        transport.seek(frame)
        # A picture that is there shows in this very call; what follows is its painting.
        if canvas.shown_frame != frame:
            wait(app, shows(frame))
        canvas.repaint()
        return time.perf_counter() - started

    wait(app, lambda: canvas.shown_frame is not None)
    seek(0)
    steps = []
    for frame in range(1, STEPS + 1):
        session.preview.forget_pictures()
        steps.append(seek(frame))
    told("frame step, nothing cached", steps, "wanted: p95 <= 40 ms")
    cached = []
    for start in range(0, count - 40, max(30, count // 8)):
        seek(start)
        wait(app, lambda: session.preview.is_idle)
        cached += [seek(frame) for frame in range(start + 1, start + 12)]
    told("frame step, cached", cached, "wanted: 5 ms")
    random.seed(5)
    places = [random.randrange(count) for _ in range(SEEKS)]
    session.preview.forget_pictures()
    seeks = [seek(frame) for frame in places]
    told("random seek", seeks, "")
    bare = []
    with FrameReader(film_path.path, film_path.info, film_path.index) as reader:
        reader.frame(0)
        for frame in places:
            started = time.perf_counter()
            reader.frame(frame)
            bare.append(time.perf_counter() - started)
    told("the same frames, decoded only", bare, "")
    ratio = statistics.median(seeks) / statistics.median(bare)
    print(f"{'random seek against decoding only':<44} {ratio:7.2f} x of the median; wanted: <= 1.2")
    seek(0)
    wait(app, lambda: session.preview.is_idle)
    transport.play()
    wait(app, lambda: not transport.is_playing or transport.frame >= play_s * RATE, play_s + 30)
    transport.pause()
    print(
        f"{'playing 1080p at 30 frames/s, three layers':<44} {session.playback.dropped} dropped of "
        f"{transport.frame} frames; wanted: 0"
    )


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
        session = new_session(Path(folder) / "data", _Silent())
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
        print(
            f"load before: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores; picture {area.canvas.size().toTuple()}"
        )
        for edit in (
            AddPatch(Patch.with_tool("patch", source.id, Ellipse(0.3, 0.3, 0.6, 0.6), frames, 0, Blur(12.0), 12.0)),
            AddItems("overlays", (Overlay("title", OnTimeline(frames), Title("Ana and Pixel")),)),
            AddItems("captions", (Caption("line", AtTimeline(Fraction(0), Fraction(600)), "We walked down."),)),
        ):
            assert session.document.do(edit)
        measure(app, session, area, play_s)
        window.hide()
        session.shut_down()
        window.deleteLater()
        app.processEvents()
    return 0
