"""What the pointer does on the timeline between press and release: shown while it lasts, done once at its end."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from PySide6.QtCore import QPointF, Qt

from app.ui.timeline.content import Content, Int64, Placed, RowKind
from app.ui.timeline.editing import (
    TrimMode,
    carried_items,
    is_moved_alone,
    moved_clip,
    moved_items,
    nearest_cut,
    resized,
    slid,
    slipped,
    trimmed_clip,
)
from app.ui.timeline.fades import faded
from app.ui.timeline.layout import Grip, Hit, Layout, Rect
from app.ui.timeline.scale import Scale
from app.ui.timeline.scene import Ghost
from app.ui.timeline.snapping import REACH_PX, snapped
from app.ui.words import timecode
from engine.errors import EditRefused
from engine.model.edits import Edit, MoveMode, ReplaceSound
from engine.model.sound import AudioItem
from engine.model.storyline import Clip, Gap
from engine.model.time import Range

START_PX = 4
"""A press that moves less is a click."""

CTRL = Qt.KeyboardModifier.ControlModifier
ALT = Qt.KeyboardModifier.AltModifier
SHIFT = Qt.KeyboardModifier.ShiftModifier


@dataclass(frozen=True, slots=True)
class Shown:
    """What a gesture shows while it lasts; see Scene. hint: what it does now, and which keys change that."""

    ghosts: tuple[Ghost, ...] = ()
    dimmed: frozenset[str] = frozenset()
    snap_line: int | None = None
    drop_line: int | None = None
    band: Rect | None = None
    hint: str = ""


NOTHING = Shown()


class Gesture(Protocol):
    """Something that the pointer does."""

    def move(self, at: QPointF, keys: Qt.KeyboardModifier) -> Shown:
        """Follow the pointer; return what to show."""

    def finish(self) -> None:
        """Do it."""

    def cancel(self) -> None:
        """Undo what showed already."""


@dataclass(frozen=True, slots=True, eq=False)
class Ground:
    """What gestures need of the view.

    Attributes:
        points: frames to snap to for a drag of some ids; empty where snapping is off.
        do: apply an edit. refuse: say why nothing happens.
    """

    content: Content
    layout: Layout
    scale: Callable[[], Scale]
    points: Callable[[frozenset[str]], Int64]
    do: Callable[[Edit], None]
    refuse: Callable[[str], None]


class Scrub:
    """Drags the playhead; Escape puts it back."""

    def __init__(self, scale: Callable[[], Scale], seek: Callable[[int], None], frame: int) -> None:
        self._scale = scale
        self._seek = seek
        self._before = frame

    def move(self, at: QPointF, _keys: Qt.KeyboardModifier) -> Shown:
        self._seek(self._scale().frame(at.x()))
        return NOTHING

    def finish(self) -> None:
        return

    def cancel(self) -> None:
        self._seek(self._before)


class Pan:
    """Drags the view."""

    def __init__(self, scroll_by: Callable[[int, int], None], at: QPointF) -> None:
        self._scroll_by = scroll_by
        self._last = at

    def move(self, at: QPointF, _keys: Qt.KeyboardModifier) -> Shown:
        self._scroll_by(round(self._last.x() - at.x()), round(self._last.y() - at.y()))
        self._last = at
        return NOTHING

    def finish(self) -> None:
        return

    def cancel(self) -> None:
        return


class Band:
    """Draws a rubber band: what it touches is selected, beside what was with Shift."""

    def __init__(
        self,
        ground: Ground,
        choose: Callable[[frozenset[str]], None],
        before: frozenset[str],
        at: QPointF,
        keys: Qt.KeyboardModifier,
    ) -> None:
        self._ground = ground
        self._choose = choose
        self._before = before
        self._kept = before if keys & (SHIFT | CTRL) else frozenset[str]()
        self._from = at
        self._from_px = at.x() + ground.scale().scroll_px
        self._moved = False

    def move(self, at: QPointF, _keys: Qt.KeyboardModifier) -> Shown:
        if not self._moved and (at - self._from).manhattanLength() < START_PX:
            return NOTHING
        self._moved = True
        scale = self._ground.scale()
        start_x = self._from_px - scale.scroll_px
        rect = Rect(
            min(start_x, at.x()),
            min(self._from.y(), at.y()),
            max(1.0, abs(at.x() - start_x)),
            max(1.0, abs(at.y() - self._from.y())),
        )
        found = self._ground.layout.items_in(rect, scale)
        self._choose(self._kept | {item.id for item in found})
        return Shown(band=rect)

    def finish(self) -> None:
        if not self._moved:
            self._choose(self._kept)

    def cancel(self) -> None:
        self._choose(self._before)


class _Drag:
    """Moves something by frames, from where it was caught."""

    def __init__(self, ground: Ground, at: QPointF) -> None:
        self._ground = ground
        self._from = at
        self._from_frames = ground.scale().position(at.x())
        self._edit: Edit | None = None
        self._refusal = ""
        self._began = False

    def _by(self, at: QPointF) -> int | None:
        """Return how far the pointer went, in frames; None while it may still be a click."""
        if not self._began and (at - self._from).manhattanLength() < START_PX:
            return None
        self._began = True
        return round(self._ground.scale().position(at.x()) - self._from_frames)

    def _snapped(self, edges: list[int], by: int, ids: frozenset[str]) -> tuple[int, int | None]:
        points = self._ground.points(ids)
        if not points.size:
            return by, None
        found = snapped(edges, by, points, REACH_PX * self._ground.scale().frames_per_px)
        return found.by, found.line

    def _try(self, make: Callable[[], Edit | None]) -> None:
        """Make the edit, and see whether the project allows it; else remember why not."""
        self._edit, self._refusal = None, ""
        try:
            edit = make()
        except EditRefused as error:
            self._refusal = str(error)
            return
        self._edit = edit

    def finish(self) -> None:
        if self._edit is not None:
            self._ground.do(self._edit)
        elif self._refusal:
            self._ground.refuse(self._refusal)

    def cancel(self) -> None:
        self._edit, self._refusal = None, ""


class MoveClipDrag(_Drag):
    """Drags a clip to another cut, or with Ctrl over what is there."""

    def __init__(self, ground: Ground, placed: Placed, at: QPointF) -> None:
        super().__init__(ground, at)
        self._placed = placed

    def move(self, at: QPointF, keys: Qt.KeyboardModifier) -> Shown:
        by = self._by(at)
        if by is None:
            return NOTHING
        placed, timeline = self._placed, self._ground.content.timeline
        ids = frozenset({placed.id})
        if keys & CTRL:
            by, line = self._snapped([placed.frames.start, placed.frames.stop], by, ids)
            to = max(0, placed.frames.start + by)
            self._try(lambda: moved_clip(timeline, placed, to, MoveMode.OVERWRITE))
            ghost = Ghost(placed.row, Range(to, to + len(placed.frames)), label="Overwrite")
            return Shown((ghost,), ids, snap_line=line, hint="Overwrites what is there and leaves a gap")
        wanted = placed.frames.start + by
        # The side towards which one drags decides: the front edge when going back, the rear edge when going on.
        to = nearest_cut(timeline, wanted if by < 0 else wanted + len(placed.frames))
        self._try(lambda: moved_clip(timeline, placed, to, MoveMode.INSERT))
        start = max(0, wanted)
        ghost = Ghost(placed.row, Range(start, start + len(placed.frames)))
        line = None if placed.frames.start <= to <= placed.frames.stop else to
        return Shown((ghost,), ids, drop_line=line, hint="Moves the clip to the cut; hold Ctrl to overwrite")


class MoveItemsDrag(_Drag):
    """Drags overlays, captions, markers and sounds along the time, and up and down to other rows of their kind."""

    def __init__(self, ground: Ground, items: list[Placed], at: QPointF) -> None:
        super().__init__(ground, at)
        self._items = items
        self._ids = frozenset(item.id for item in items)

    def move(self, at: QPointF, _keys: Qt.KeyboardModifier) -> Shown:
        by = self._by(at)
        if by is None:
            return NOTHING
        edges = [edge for item in self._items for edge in (item.frames.start, item.frames.stop)]
        by, line = self._snapped(edges, by, self._ids)
        by = max(by, -min(item.frames.start for item in self._items))
        project, timeline = self._ground.content.project, self._ground.content.timeline
        row = self._other_row(at)
        if row is not None:
            target = self._ground.content.rows[row]
            self._try(lambda: carried_items(project, timeline, self._items, by, target.id))
            ghosts = tuple(Ghost(row, item.frames.shifted(by)) for item in self._items)
            return Shown(ghosts, self._ids, snap_line=line, hint=f"Moves it to “{target.name}” · {_by_text(by)}")
        self._try(lambda: moved_items(project, timeline, self._items, by) if by else None)
        ghosts = tuple(Ghost(item.row, item.frames.shifted(by), item.lane) for item in self._items)
        return Shown(ghosts, self._ids, snap_line=line, hint=_by_text(by))

    def _other_row(self, at: QPointF) -> int | None:
        """Return the row under the pointer where the items may go, None where they stay on theirs."""
        place, rows, own = self._ground.layout.row_at(at.y()), self._ground.content.rows, self._items[0].row
        if place is None or place.row == own or any(item.row != own for item in self._items):
            return None
        there = rows[place.row]
        return place.row if there.kind is rows[own].kind and not there.locked else None


class EdgeDrag(_Drag):
    """Drags an edge: of a clip (gap, ripple, roll), or of any other item."""

    def __init__(self, ground: Ground, placed: Placed, grip: Grip, at: QPointF, plain: TrimMode) -> None:
        super().__init__(ground, at)
        self._placed = placed
        self._grip = grip
        self._plain = plain

    def move(self, at: QPointF, keys: Qt.KeyboardModifier) -> Shown:
        by = self._by(at)
        if by is None:
            return NOTHING
        placed, grip, content = self._placed, self._grip, self._ground.content
        edge = placed.frames.start if grip is Grip.LEFT else placed.frames.stop
        by, line = self._snapped([edge], by, frozenset({placed.id}))
        by = min(by, len(placed.frames) - 1) if grip is Grip.LEFT else max(by, 1 - len(placed.frames))
        by = max(by, -edge)
        if isinstance(placed.value, Clip | Gap):
            mode = self._mode(keys)
            self._try(lambda: trimmed_clip(content.project, content.timeline, placed, grip, by, mode) if by else None)
            hint = f"{_HINTS[mode]} · {_by_text(by)}"
        else:
            self._try(lambda: resized(placed, content.timeline, grip, by) if by else None)
            hint = _by_text(by)
        start, stop = placed.frames.start, placed.frames.stop
        frames = Range(start + by, stop) if grip is Grip.LEFT else Range(start, stop + by)
        at_edge = frames.start if grip is Grip.LEFT else frames.stop
        label = f"{_by_text(by)}  {timecode(at_edge, content.project.canvas.rate)}"
        ghost = Ghost(placed.row, frames, placed.lane, label)
        return Shown((ghost,), snap_line=line, hint=self._refusal or hint)

    def _mode(self, keys: Qt.KeyboardModifier) -> TrimMode:
        if keys & ALT:
            return TrimMode.ROLL
        if keys & CTRL:
            return TrimMode.RIPPLE if self._plain is TrimMode.GAP else TrimMode.ROLL
        return self._plain


_HINTS = {
    TrimMode.GAP: "Trims and leaves a gap; Ctrl moves what follows, Alt moves the cut",
    TrimMode.RIPPLE: "Trims and moves what follows; Alt moves the cut",
    TrimMode.ROLL: "Moves the cut between both clips",
}


class FadeDrag(_Drag):
    """Drags the end of a sound's fade."""

    def __init__(self, ground: Ground, placed: Placed, sound: AudioItem, grip: Grip, at: QPointF) -> None:
        super().__init__(ground, at)
        self._placed = placed
        self._sound = sound
        self._grip = grip

    def move(self, at: QPointF, _keys: Qt.KeyboardModifier) -> Shown:
        if self._by(at) is None:
            return NOTHING
        frames, rate = self._placed.frames, self._ground.content.project.canvas.rate
        is_in = self._grip is Grip.FADE_IN
        by_s = (self._ground.scale().position(at.x()) - self._from_frames) / float(rate)
        changed = faded(self._sound, self._grip, by_s if is_in else -by_s)
        self._try(lambda: ReplaceSound(changed) if changed != self._sound else None)
        length = float(changed.fade_in_s if is_in else changed.fade_out_s)
        count = max(1, round(length * rate))
        shown = Range(frames.start, frames.start + count) if is_in else Range(frames.stop - count, frames.stop)
        label = f"{'Fade in' if is_in else 'Fade out'} {length:.2f} s"
        return Shown((Ghost(self._placed.row, shown, self._placed.lane, label),), hint=label)


class SlipDrag(_Drag):
    """With the trim tool inside a clip: slips what it shows, or with Alt slides it between its neighbours."""

    def __init__(self, ground: Ground, placed: Placed, at: QPointF) -> None:
        super().__init__(ground, at)
        self._placed = placed

    def move(self, at: QPointF, keys: Qt.KeyboardModifier) -> Shown:
        by = self._by(at)
        if by is None:
            return NOTHING
        placed = self._placed
        if keys & ALT:
            by, line = self._snapped([placed.frames.start, placed.frames.stop], by, frozenset({placed.id}))
            by = max(by, -placed.frames.start)
            self._try(lambda: slid(placed.id, by) if by else None)
            ghost = Ghost(placed.row, placed.frames.shifted(by), label=f"Slide {_by_text(by)}")
            return Shown((ghost,), snap_line=line, hint="Slides the clip between its neighbours")
        # Dragging to the right brings earlier frames into view, as if the film were pulled under a window.
        self._try(lambda: slipped(placed.id, -by) if by else None)
        ghost = Ghost(placed.row, placed.frames, label=f"Slip {_by_text(-by)}")
        return Shown((ghost,), hint="Slips what the clip shows; hold Alt to slide the clip")


def drag_of(ground: Ground, hit: Hit, at: QPointF, selected: frozenset[str], *, trims: bool) -> Gesture | None:
    """Return the drag that a press on an item may become; None where it cannot be dragged.

    Args:
        ground: the view.
        hit: what was pressed.
        at: where.
        selected: ids of what is selected, the pressed item among them.
        trims: the trim tool is in hand.
    """
    placed = hit.item
    if placed is None:
        return None
    row = ground.content.rows[placed.row]
    if row.locked:
        return None
    if row.kind is RowKind.FILM_SOUND:
        film = ground.content.find(placed.id)
        if film is None:
            return None
        placed = film
    if hit.grip in (Grip.FADE_IN, Grip.FADE_OUT) and isinstance(placed.value, AudioItem):
        return FadeDrag(ground, placed, placed.value, hit.grip, at)
    if hit.grip is not Grip.BODY:
        return EdgeDrag(ground, placed, hit.grip, at, TrimMode.RIPPLE if trims else TrimMode.GAP)
    if isinstance(placed.value, Clip | Gap):
        if trims:
            return SlipDrag(ground, placed, at) if isinstance(placed.value, Clip) else None
        return MoveClipDrag(ground, placed, at)
    if not is_moved_alone(placed.value):
        return None
    items = [placed]
    for id in selected - {placed.id}:
        other = ground.content.find(id)
        if other is not None and is_moved_alone(other.value) and not ground.content.rows[other.row].locked:
            items.append(other)
    return MoveItemsDrag(ground, items, at)


def _by_text(by: int) -> str:
    return f"{by:+d} frame{'s' if abs(by) != 1 else ''}"
