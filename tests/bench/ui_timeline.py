"""Paint a timeline of thousands of items while scrolling, zooming and moving the playhead; and what a drag costs.

    python -m tests.bench ui_timeline [--items 4000] [--rounds 120] [--width 1752] [--height 330]

A third of the items are clips of two sources, a third patches, the rest captions, overlays and markers. The targets,
at the 95th percentile: 8 ms for a step of scrolling, 12 ms for a step of zooming. Offscreen, by the raster engine.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import numpy as np
from PySide6.QtCore import QPointF
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QApplication, QWidget

from app.session.live_plan import Planned
from app.session.session import new_session
from app.session.settings import Settings
from app.ui.actions import ActionTable
from app.ui.context import Context
from app.ui.theme import Theme
from app.ui.timeline.content import content_of
from app.ui.timeline.scene import Strip
from app.ui.timeline.view import TimelineView
from engine.index.waveform import BASE_SAMPLES, FACTOR, Waveform
from engine.model.captions import Caption
from engine.model.edits import SplitClip
from engine.model.markers import Marker
from engine.model.overlay import Overlay, Still
from engine.model.patch import Patch
from engine.model.place import AtTimeline, OnTimeline
from engine.model.project import FIRST_LAYERS, Project
from engine.model.region import Box
from engine.model.source import EvenTimes, PictureFacts, SoundFacts, Source
from engine.model.storyline import Clip, Native
from engine.model.time import Range
from engine.model.timeline import TimelineMap
from engine.model.tool import Blur
from engine.plan.export_plan import CopySegment, ExportPlan, Mode, Reason, RenderSegment

RATE = Fraction(30000, 1001)


def main(argv: list[str]) -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="tests.bench ui_timeline")
    parser.add_argument("--items", type=int, default=4000)
    parser.add_argument("--rounds", type=int, default=120)
    parser.add_argument("--width", type=int, default=1752)
    parser.add_argument("--height", type=int, default=330)
    arguments = parser.parse_args(argv)
    app = QApplication.instance() or QApplication([])
    assert isinstance(app, QApplication)
    app.setStyle("Fusion")
    with tempfile.TemporaryDirectory() as folder:
        os.environ["DELTACUT_CACHE"] = folder
        _measure(app, Path(folder), arguments)
    return 0


class _Silent:
    def say(self, text: str) -> None:
        pass

    def show_banner(self, banner: object) -> None:
        pass

    def show_panel(self, name: str) -> None:
        pass


def _measure(app: QApplication, folder: Path, arguments: argparse.Namespace) -> None:
    session = new_session(Settings(folder / "window.json"))
    theme = Theme(session.settings)
    theme.apply(app)
    window = QWidget()
    view = TimelineView(Context(session, theme, ActionTable(session, theme, window), _Silent()), window)
    project = large_project(arguments.items)
    timeline = TimelineMap(project)
    began = time.thread_time()
    content = content_of(project, timeline)
    built = time.thread_time() - began
    view._content = content
    view._strip = Strip.of(_plan(project))
    view._keyframes = np.arange(0, content.timeline.frame_count, 60, dtype=np.int64)
    _fill(session, project)
    window.resize(arguments.width, arguments.height)
    view.setGeometry(0, 0, arguments.width, arguments.height)
    window.show()
    view.fit()
    app.processEvents()
    rng = np.random.default_rng(7)
    print(f"{content.item_count} items, {content.timeline.frame_count} frames, view {view.width()} x {view.height()}")
    print(f"rows built in {built * 1e3:.1f} ms")
    print(f"{'':40} {'p50':>7} {'p95':>7} {'max':>7}  ms")

    def timed(name: str, step: Callable[[int], None], rounds: int) -> None:
        for number in range(4):
            step(number)
            app.processEvents()
        taken = []
        for number in range(rounds):
            # Computing time of the interface thread: a busy machine takes the processor away, which no view can help.
            begun = time.thread_time()
            step(number)
            app.processEvents()
            taken.append((time.thread_time() - begun) * 1e3)
        low, high = np.percentile(taken, [50, 95])
        print(f"{name:40} {low:7.2f} {high:7.2f} {max(taken):7.2f}")

    rounds = arguments.rounds
    for name, per_px in (("close", 0.25), ("usual", 2.0), ("far", 12.0)):
        view.set_frames_per_px(per_px)
        view.horizontalScrollBar().setValue(0)
        app.processEvents()
        timed(f"scroll by 90 px, {name} ({per_px} frames/px)", lambda _: view.scroll_by(90, 0), rounds)
    view.fit()
    timed("scroll by 3 px, whole film", lambda n: view.scroll_by(3 if n % 2 else -3, 0), rounds)
    view.fit()
    view.zoom(1.5, 300)
    timed("zoom in and out around the whole film", lambda n: view.zoom(1.2 if n % 2 else 1 / 1.2, 800), rounds)
    view.set_frames_per_px(2.0)
    timed("zoom in and out, usual", lambda n: view.zoom(1.2 if n % 2 else 1 / 1.2, 800), rounds)
    view.set_frames_per_px(0.5)
    frames = rng.integers(0, int(view.scale.frames_per_px * view.width()), rounds + 8)
    timed("playhead moves", lambda n: view._on_frame(int(frames[n])), rounds)
    image = QImage(view.viewport().size(), QImage.Format.Format_RGB32)

    def whole(_: int) -> None:
        view.viewport().render(image)

    view.fit()
    timed("whole repaint, whole film", whole, rounds // 2)
    edit = SplitClip(content.timeline.frame_count // 2 + 3, "cut here")

    def edited(_: int) -> None:
        after = edit.apply(project)
        content_of(after, TimelineMap(after), content)

    timed("an edit's rows (all of them move)", edited, max(5, rounds // 10))
    hits = rng.uniform(0, 1, (rounds + 8, 2))
    timed(
        "what is under the pointer",
        lambda n: (view.hit(QPointF(hits[n, 0] * view.width(), hits[n, 1] * view.height())), None)[1],
        rounds,
    )
    session.shut_down()


def large_project(items: int) -> Project:
    """Return a project of so many items: clips, patches, captions, overlays, markers."""
    third = max(2, items // 3)
    length = 45
    frames = third * length
    sources = tuple(
        Source(
            id,
            f"{id}.mp4",
            PictureFacts(1920, 1080, RATE, EvenTimes(Fraction(1, 30000), 0, 1001, frames), codec="h264"),
            (SoundFacts(1, "aac", 2, 48000, Fraction(0), frames / RATE),),
            frames / RATE,
        )
        for id in ("a", "b")
    )
    clips = tuple(
        Clip(f"c{n}", "ab"[n % 2], Native(Range(n * length, (n + 1) * length)), f"Clip {n}") for n in range(third)
    )
    patches = tuple(
        Patch.with_tool(
            f"p{n}",
            "ab"[n % 2],
            Box(0.2, 0.2, 0.4, 0.4),
            Range(n * length + 5, n * length + 25),
            n * length + 6,
            Blur(3),
        )
        for n in range(third)
    )
    rest = items - 2 * third
    captions = tuple(
        Caption(f"t{n}", AtTimeline(n * 3 * length / RATE, (n * 3 + 2) * length / RATE), f"What is said in line {n}")
        for n in range(rest // 3)
    )
    overlays = tuple(
        Overlay(f"o{n}", OnTimeline(Range(n * 3 * length, n * 3 * length + 60)), Still("x"), name=f"Title {n}")
        for n in range(rest // 3)
    )
    markers = tuple(
        Marker(f"m{n}", OnTimeline(Range(n * 3 * length, n * 3 * length + 1)), name=f"Marker {n}")
        for n in range(rest - 2 * (rest // 3))
    )
    held = {"patches": patches, "captions": captions, "overlays": overlays}
    layers = tuple(replace(layer, items=held[layer.id]) for layer in FIRST_LAYERS)
    return replace(Project("bench"), sources=sources, storyline=clips, layers=layers, markers=markers)


def _plan(project: Project) -> ExportPlan:
    segments: list[CopySegment | RenderSegment] = []
    at = 0
    for clip in project.storyline:
        segments += [
            CopySegment(Range(at, at + 5)),
            RenderSegment(Range(at + 5, at + 25), Reason.CHANGED),
            RenderSegment(Range(at + 25, at + 30), Reason.TAIL),
            CopySegment(Range(at + 30, at + len(clip))),
        ]
        at += len(clip)
    return ExportPlan(Mode.DIFFERENTIAL, "as planned", tuple(segments), (), ())


def _fill(session: object, project: Project) -> None:
    """Put a picture for every frame that is asked for, and a sound, where decoding would put them."""
    thumbnails, waveforms = session.thumbnails, session.waveforms  # type: ignore[attr-defined]
    pictures = []
    for number in range(24):
        image = QImage(149, 84, QImage.Format.Format_RGB32)
        image.fill(0xFF202020 + number * 0x050709)
        pictures.append(image)
    thumbnails.picture = lambda _id, frame: pictures[frame // 7 % 24]
    seconds = float(project.sources[0].duration_s)
    noise = np.random.default_rng(1).integers(-20000, 20000, (2, int(seconds * 48000 / BASE_SAMPLES))).astype(np.int16)
    noise.sort(axis=0)
    levels = [noise]
    for _ in range(3):
        kept = levels[-1][:, : levels[-1].shape[1] // FACTOR * FACTOR].reshape(2, -1, FACTOR)
        levels.append(np.stack([kept[0].min(axis=1), kept[1].max(axis=1)]))
    waveform = Waveform(48000, Fraction(0), tuple(levels))
    waveforms.waveform = lambda _id, _stream=0: waveform
    session.live_plan._planned = Planned(session.document.project, None, None)  # type: ignore[attr-defined]
