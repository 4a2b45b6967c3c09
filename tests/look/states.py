"""States of the application that are looked at: every panel, dialog, menu, message and item, by name."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import QDeadlineTimer, QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QContextMenuEvent, QHelpEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QAbstractScrollArea, QApplication, QToolButton, QWidget

from app.session.jobs import Job, JobKind
from app.ui.application import Desktop
from app.ui.generate.words import WayOut
from app.ui.widgets import Banner, BannerAction, Tone
from engine.control import CancelToken, Progress
from engine.errors import MediaError, ProjectDamaged, StorageError
from engine.model.edits import AddItems, AddPatch, AddTake, Compound, PickTake
from engine.model.ids import new_id
from engine.model.overlay import Flat, Overlay, Shape, ShapeForm
from engine.model.patch import Patch, Take
from engine.model.place import OnTimeline
from engine.model.region import Box
from engine.model.time import Range
from engine.model.tool import Blur, Clone, Fill, Grade, Inpaint, Lettering, Pixelate, Remove, Rgb

State = tuple[str, Callable[[], object]]
"""A picture's name, and what brings the application into that state; menus may block until they are closed."""


def items(desktop: Desktop) -> Iterator[State]:
    """Yield the inspector on every kind of item, and on every tool."""
    document, selection = desktop.session.document, desktop.session.selection
    desktop.window.show_workspace("edit")
    frames, source = document.project.frame_count, document.project.sources[0].id
    span = Range(frames // 4, frames // 2)
    shapes = [
        Overlay(new_id(), OnTimeline(span), Shape(ShapeForm.ARROW, stroke=Rgb(214, 60, 50)), name="Arrow"),
        Overlay(new_id(), OnTimeline(span), Flat(Rgb(20, 30, 90)), name="Backdrop", opacity=0.3),
    ]
    document.do(AddItems("overlays", tuple(shapes)))
    title = next(item for item in document.project.layer("overlays").items if item.name == "Lower third")
    caption = document.project.layer("captions").items[2]
    clip = document.project.storyline[0]
    chosen = [("title", title.id), ("shape", shapes[0].id), ("colour", shapes[1].id), ("caption", caption.id)]
    chosen.append(("clip", clip.id))
    for name, id in chosen:
        yield f"inspector-{name}", lambda id=id: selection.choose(id)
    yield "inspector-layer", lambda: selection.choose_layer("overlays")
    yield "inspector-several", lambda: selection.choose(*(id for _, id in chosen[:3]))
    tools = {
        "grade": Grade(exposure=0.4, temperature=0.2),
        "blur": Blur(18),
        "fill": Fill(Rgb(60, 90, 40)),
        "clone": Clone(0.2, 0.1),
        "inpaint": Inpaint(),
        "remove": Remove(),
        "lettering": Lettering("Museum"),
        "pixelate": Pixelate(20),
    }
    patch = Patch(new_id(), source, Box(0.2, 0.3, 0.5, 0.6), span, span.start + 1, "Every tool", feather_px=4)
    takes = [Take(new_id(), tool, name.capitalize()) for name, tool in tools.items()]
    first = Patch(
        patch.id, source, patch.region, span, span.start + 1, "Every tool", feather_px=4, takes=(takes[0],),
        pick=takes[0].id,
    )  # fmt: skip
    document.do(AddPatch(first))
    for take in takes[1:]:
        document.do(Compound("Add take", (AddTake(patch.id, take), PickTake(patch.id, take.id))))

    def picked(take: Take) -> None:
        document.do(PickTake(patch.id, take.id))
        selection.choose(patch.id)
        desktop.session.transport.seek(span.start + 3)

    for name, take in zip(tools, takes, strict=True):
        yield f"inspector-{name}", lambda take=take: picked(take)

    def region() -> None:
        selection.clear()
        selection.set_region(Box(0.55, 0.3, 0.8, 0.6), desktop.session.transport.frame)

    yield "inspector-region", region


def generating(desktop: Desktop, services: object, settle: Callable[[float], None]) -> Iterator[State]:
    """Yield the generate panel: before sending, asking, refused, waiting, over the cap, several at once."""
    box = desktop.inspector.generate

    def offered() -> None:
        desktop.window.show_workspace("region")
        desktop.session.selection.set_region(Box(0.55, 0.3, 0.8, 0.6), desktop.session.transport.frame)
        box.prompt.setPlainText("Remove the leash on the ground. Keep the dog, its shadow and the concrete.")
        deadline = QDeadlineTimer(10_000)
        while desktop.session.generating.offer is None and not deadline.hasExpired():
            settle(0.1)

    yield "generate-offer", offered
    yield "generate-asks", box.generate

    def refused() -> None:
        services.gemini.fail("submit", "IMAGE_SAFETY")  # type: ignore[attr-defined]
        box.send_always.click()
        deadline = QDeadlineTimer(30_000)
        while WayOut.EDIT_PROMPT not in box.rows[0].buttons and not deadline.hasExpired():
            settle(0.1)

    yield "generate-refused", refused

    def waiting() -> None:
        entry = box.rows[0].entry
        entry.running = Job(99, "", JobKind.GENERATE, lambda _p, _c: None, desktop.window)
        entry.since_s = time.monotonic() - 12
        box.rows[0].refresh()

    yield "generate-waits", waiting

    def limited() -> None:
        entry = box.rows[0].entry
        job = entry.job
        entry.job = replace(job, retry_at=time.time() + 41) if job is not None else None
        box.rows[0].refresh()

    yield "generate-rate-limit", limited


def jobs(desktop: Desktop, settle: Callable[[float], None]) -> None:
    """Fill the jobs panel with one of each state."""

    def runs(progress: Progress, cancel: CancelToken) -> None:
        for step in range(2_000):
            progress.report("re-encoding", 0.1 + 0.5 * step / 2_000)
            cancel.check()
            time.sleep(0.05)

    def quiet(_progress: Progress, cancel: CancelToken) -> None:
        while True:
            cancel.check()
            time.sleep(0.05)

    def fails(_progress: Progress, _cancel: CancelToken) -> None:
        raise StorageError("“Films” has 12 MB left; the export needs 59 MB; choose another folder or free the cache")

    def breaks(_progress: Progress, _cancel: CancelToken) -> None:
        raise ValueError("not a number")

    start = desktop.session.jobs.start
    done = start("Leash · Take 2", JobKind.GENERATE, lambda _p, _c: None)
    done.cost_usd, done.note = 0.134, "Billed as estimated."
    start("Export Sunday in the Park – a rather long name – edited.mp4", JobKind.EXPORT, fails)
    start("Find cuts", JobKind.ANALYSE, breaks)
    start("Follow “Leash”", JobKind.FOLLOW, quiet).cancel()
    start("Transcribe captions", JobKind.TRANSCRIBE, quiet)
    start("Export Sunday in the Park – edited.mp4", JobKind.EXPORT, runs)
    settle(1.0)


def banners(desktop: Desktop) -> None:
    """Show one banner of each tone, as opening and saving do."""
    commands = desktop.commands
    commands._not_opened(Path("Museum.mp4"), MediaError("Museum.mp4 is no film: it begins like a text; open a video"))
    commands._not_opened(Path("Park.dcut"), ProjectDamaged("Park.dcut is damaged from byte 5,000 on"))
    desktop.window.show_banner(
        Banner(
            desktop.theme,
            Tone.WARNING,
            "“Museum interview.mp4” is not where it was.",
            "Films, on drive MEDIA. Edits and takes are safe in the project.",
            (BannerAction("Find the film…", lambda: None), BannerAction("Open without it", lambda: None)),
        )
    )


def menus(desktop: Desktop) -> Iterator[State]:
    """Yield every menu: of the window, and of what is under the mouse."""
    window = desktop.window
    for name, menu in window.top.menus.items():
        yield f"menu-{name.lower()}", lambda menu=menu: menu.popup(window.mapToGlobal(QPoint(60, 40)))
    view = desktop.timeline.view

    def on_timeline(x: int, y: int) -> None:
        at = QPoint(x, y)
        event = QContextMenuEvent(QContextMenuEvent.Reason.Mouse, at, view.viewport().mapToGlobal(at))
        QApplication.sendEvent(view.viewport(), event)

    middle = view.viewport().width() // 2
    for row, y in (("marker", 28), ("patch", 110), ("clip", 160), ("ground", 80)):
        yield f"menu-timeline-{row}", lambda y=y: on_timeline(middle - 100, y)

    def on_list(view: QAbstractScrollArea, row: int) -> None:
        at = QPoint(60, 12 + 26 * row)
        place = view.viewport().mapToGlobal(at)
        if view.contextMenuPolicy() is Qt.ContextMenuPolicy.CustomContextMenu:
            view.customContextMenuRequested.emit(at)
        else:
            QApplication.sendEvent(view.viewport(), QContextMenuEvent(QContextMenuEvent.Reason.Mouse, at, place))

    yield "menu-layer", lambda: on_list(desktop.layers.view, 2)
    yield "menu-layers-add", desktop.layers._show_kinds
    yield "menu-versions", desktop.layers._show_versions
    yield "menu-media", lambda: on_list(desktop.media.list, 2)
    yield "menu-take", desktop.takes._show_more
    yield "menu-prompts", lambda: _click(desktop.inspector.generate, "Prompt history")
    yield "ask-reject", desktop.takes.reject
    yield "menu-captions", lambda: (desktop.window.show_panel("captions"), desktop.captions._more.click())


def found(desktop: Desktop, text: str) -> None:
    """Open the palette and type into it."""
    palette = desktop.commands._palette
    palette.open()
    QTest.keyClicks(palette.field, text)


def tooltip(widget: QWidget) -> None:
    """Have a widget show its tooltip."""
    at = widget.rect().center()
    QApplication.sendEvent(widget, QHelpEvent(QEvent.Type.ToolTip, at, widget.mapToGlobal(at)))


def tooltips(desktop: Desktop) -> Iterator[State]:
    """Yield tooltips of a button that can be pressed, of one that cannot, and on the timeline."""
    buttons = [
        button for button in desktop.window.findChildren(QToolButton) if button.isVisible() and button.defaultAction()
    ]
    off = [button for button in buttons if not button.isEnabled()]
    yield "tooltip", lambda: tooltip(buttons[0])
    if off:
        yield "tooltip-off", lambda: tooltip(off[0])
    yield "tooltip-generate", lambda: tooltip(desktop.inspector.generate.go)
    strip = desktop.timeline.view.viewport()

    def on_strip(y: int) -> None:
        at = QPointF(strip.width() * 0.4, y).toPoint()
        QApplication.sendEvent(strip, QHelpEvent(QEvent.Type.ToolTip, at, strip.mapToGlobal(at)))

    yield "tooltip-patch", lambda: on_strip(112)
    yield "tooltip-strip", lambda: on_strip(strip.height() - 24)


def _click(parent: QWidget, text: str) -> None:
    for button in parent.findChildren(QAbstractButton):
        if button.text() == text:
            button.click()
