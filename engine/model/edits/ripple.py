"""What stands on the timeline moves along when frames are put in, taken out or moved before it.

Items on a source's frames need none of this: they are where their frames are. Locked layers and tracks, and items that
are fixed in time, stay.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from typing import TypeVar

from engine.model.captions import Caption
from engine.model.keyframes import shifted
from engine.model.layers import Item, Layer
from engine.model.markers import Marker
from engine.model.overlay import Overlay, later
from engine.model.place import AtTimeline, OnTimeline, Ripple
from engine.model.project import Project
from engine.model.sound import AtTime, AudioItem, AudioTrack
from engine.model.time import Range
from engine.model.timeline import TimelineMap

T = TypeVar("T")

END = 1 << 62


@dataclass(frozen=True, slots=True)
class Piece:
    """Frames of the old timeline and where they begin on the new one; None: they are gone."""

    old: Range
    new_start: int | None


@dataclass(frozen=True, slots=True)
class Shift:
    """How the frames of a timeline move; the pieces cover it from 0 to END."""

    pieces: tuple[Piece, ...]

    @classmethod
    def insertion(cls, at: int, frames: int) -> Shift:
        """Return the shift when `frames` are put in before frame `at`."""
        return cls(_pieces((Range(0, at), 0), (Range(at, END), at + frames)))

    @classmethod
    def removal(cls, frames: Range) -> Shift:
        """Return the shift when `frames` are taken out."""
        return cls(_pieces((Range(0, frames.start), 0), (frames, None), (Range(frames.stop, END), frames.start)))

    @classmethod
    def move(cls, frames: Range, to: int) -> Shift:
        """Return the shift when `frames` are moved before frame `to` (of the old timeline), which lies outside them."""
        start, stop, length = frames.start, frames.stop, len(frames)
        if to <= start:
            return cls(
                _pieces((Range(0, to), 0), (Range(to, start), to + length), (frames, to), (Range(stop, END), stop))
            )
        return cls(_pieces((Range(0, start), 0), (frames, to - length), (Range(stop, to), start), (Range(to, END), to)))

    def frames(self, old: Range) -> tuple[Range, int] | None:
        """Return where a range is now and how many frames of its head are gone; None when all are.

        It keeps as many frames as are left, from where its first one left is now: what is put into its middle does not
        stretch it.
        """
        left = [
            (common, piece.new_start + common.start - piece.old.start)
            for piece in self.pieces
            if piece.new_start is not None and (common := piece.old.intersection(old))
        ]
        if not left:
            return None
        start = left[0][1]
        return Range(start, start + sum(len(common) for common, _ in left)), left[0][0].start - old.start


def _pieces(*pairs: tuple[Range, int | None]) -> tuple[Piece, ...]:
    return tuple(Piece(old, new_start) for old, new_start in pairs if old)


def rippled(before: Project, after: Project, shift: Shift) -> Project:
    """Return `after` with its items where `shift` takes them.

    Args:
        before: the project before its storyline changed, for its times.
        after: the same with the new storyline, items untouched.
        shift: how the frames moved.
    """
    move = _Mover(before, after, shift)
    in_out = after.in_out
    if in_out is not None:
        found = shift.frames(in_out)
        in_out = None if found is None else found[0]
    return replace(
        after,
        layers=_each(after.layers, move.layer),
        markers=_each(after.markers, move.marker),
        tracks=_each(after.tracks, move.track),
        in_out=in_out,
    )


class _Mover:
    def __init__(self, before: Project, after: Project, shift: Shift) -> None:
        self._before = before
        self._after = after
        self._shift = shift

    @cached_property
    def _old(self) -> TimelineMap:
        return TimelineMap(self._before)

    @cached_property
    def _new(self) -> TimelineMap:
        return TimelineMap(self._after)

    def layer(self, layer: Layer) -> Layer:
        if layer.settings.locked:
            return layer
        items = _each(layer.items, self.item)
        return layer if items is layer.items else replace(layer, items=items)

    def item(self, item: Item) -> Item | None:
        if isinstance(item, Overlay) and isinstance(item.place, OnTimeline) and item.place.ripple is Ripple.FOLLOW:
            found = self._shift.frames(item.place.frames)
            if found is None:
                return None
            frames, gone = found
            if frames == item.place.frames and not gone:
                return item
            return replace(
                item,
                place=replace(item.place, frames=frames),
                content=later(item.content, gone, self._after.canvas.rate),
                geometry=item.geometry.shifted(-gone),
                opacity=shifted(item.opacity, -gone),
            )
        if isinstance(item, Caption) and isinstance(item.place, AtTimeline) and item.place.ripple is Ripple.FOLLOW:
            times = self._times(item.place.start_s, item.place.stop_s)
            return None if times is None else _placed(item, replace(item.place, start_s=times[0], stop_s=times[1]))
        return item

    def marker(self, marker: Marker) -> Marker | None:
        if not isinstance(marker.place, OnTimeline) or marker.place.ripple is Ripple.FIXED:
            return marker
        found = self._shift.frames(marker.place.frames)
        if found is None:
            return None
        return (
            marker if found[0] == marker.place.frames else replace(marker, place=replace(marker.place, frames=found[0]))
        )

    def track(self, track: AudioTrack) -> AudioTrack:
        if track.settings.locked:
            return track
        items = _each(track.items, self.sound)
        return track if items is track.items else replace(track, items=items)

    def sound(self, sound: AudioItem) -> AudioItem:
        if not isinstance(sound.position, AtTime) or sound.position.ripple is Ripple.FIXED:
            return sound
        start_s = self._time(self._after_gone(sound.position.start_s))
        return sound if start_s == sound.position.start_s else replace(sound, position=AtTime(start_s))

    def _times(self, start_s: Fraction, stop_s: Fraction) -> tuple[Fraction, Fraction] | None:
        left = stop_s - start_s
        for gone in self._gone:
            left -= max(Fraction(0), min(stop_s, gone[1]) - max(start_s, gone[0]))
        if left <= 0:
            return None
        start_s = self._time(self._after_gone(start_s))
        return start_s, start_s + left

    def _after_gone(self, time_s: Fraction) -> Fraction:
        for start_s, stop_s in self._gone:
            if start_s <= time_s < stop_s:
                time_s = stop_s
        return time_s

    @cached_property
    def _gone(self) -> list[tuple[Fraction, Fraction]]:
        """When, on the old timeline, the removed frames showed."""
        old = self._old
        return [
            (old.time_of(piece.old.start), old.time_of(min(piece.old.stop, old.frame_count)))
            for piece in self._shift.pieces
            if piece.new_start is None
        ]

    def _time(self, time_s: Fraction) -> Fraction:
        """Return where a time of the old timeline is on the new one; it must not be gone."""
        old, new = self._old, self._new
        end = old.time_of(old.frame_count)
        if time_s >= end:
            return new.time_of(new.frame_count) + time_s - end
        frame = old.frame_at(time_s)
        for piece in self._shift.pieces:
            if frame in piece.old and piece.new_start is not None:
                return new.time_of(piece.new_start + frame - piece.old.start) + time_s - old.time_of(frame)
        raise AssertionError(f"frame {frame} is gone")


def _placed(item: Caption, place: AtTimeline) -> Caption:
    return item if place == item.place else replace(item, place=place)


def _each(items: tuple[T, ...], change: Callable[[T], T | None]) -> tuple[T, ...]:
    """Return the items changed, without those that became None; the same tuple where nothing did."""
    changed = tuple(new for item in items if (new := change(item)) is not None)
    same = len(changed) == len(items) and all(new is old for new, old in zip(changed, items, strict=True))
    return items if same else changed
