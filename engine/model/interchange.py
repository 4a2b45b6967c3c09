"""A timeline as other editors see it: tracks of clips and gaps, markers, and notes of ours on each of them.

The notes say which thing of the project each one stands for; what an interchange format cannot hold stays in the
project's own text beside it. Files are not read or written here.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from fractions import Fraction


class TrackUse(Enum):
    """What a track is; the value is what its note says."""

    STORYLINE = "storyline"
    OVERLAYS = "overlays"
    CAPTIONS = "captions"
    ORIGINAL_SOUND = "original-sound"
    SOUNDS = "sounds"
    PICTURE = "picture"
    """A further picture track that another editor made."""
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class ExchangedItem:
    """A clip or a gap on a track.

    Attributes:
        url: where its media is; empty for a gap, and for what is drawn and has no media.
        start_s: second of the media at which it begins; its frames count from the media's first.
        length_s: how long it is.
        rate: frames per second in which the two were given.
        id: which thing of the project it was made of; empty for a gap and for what another editor made.
        text: of a caption.
    """

    url: str
    start_s: Fraction
    length_s: Fraction
    rate: Fraction
    name: str = ""
    id: str = ""
    text: str = ""
    gap: bool = False


@dataclass(frozen=True, slots=True)
class ExchangedTrack:
    """A track; owner: the layer or sound track of the project that it was made of."""

    use: TrackUse
    name: str
    items: tuple[ExchangedItem, ...]
    owner: str = ""

    @property
    def kind(self) -> str:
        """The kind of track that other editors know."""
        if self.use in (TrackUse.ORIGINAL_SOUND, TrackUse.SOUNDS):
            return "Audio"
        return "Subtitle" if self.use is TrackUse.CAPTIONS else "Video"


@dataclass(frozen=True, slots=True)
class ExchangedMarker:
    """A marker, in seconds of the timeline."""

    name: str
    note: str
    start_s: Fraction
    length_s: Fraction
    rate: Fraction
    kind: str = "plain"
    id: str = ""


@dataclass(frozen=True, slots=True)
class ExchangedTimeline:
    """A timeline; project: the canonical text of the project that it was made of, empty where another editor made it.

    Attributes:
        notes: what was passed over while it was read.
    """

    name: str
    tracks: tuple[ExchangedTrack, ...]
    markers: tuple[ExchangedMarker, ...] = ()
    project: str = ""
    notes: tuple[str, ...] = ()


NEAR = Fraction(1, 2000)
"""Seconds by which a time may differ and still be the same: other editors count in whole or floating frames."""


def same_item(one: ExchangedItem, other: ExchangedItem) -> bool:
    """Tell whether an item is as it was written; names and the form of its address do not count."""
    times = abs(one.start_s - other.start_s) <= NEAR and abs(one.length_s - other.length_s) <= NEAR
    return times and (one.id, one.gap, one.text) == (other.id, other.gap, other.text)


def in_rows(items: list[tuple[Fraction, ExchangedItem]], rate: Fraction) -> list[tuple[ExchangedItem, ...]]:
    """Return items with starts as tracks of items and gaps, as few as hold them without an overlap."""
    rows: list[list[ExchangedItem]] = []
    ends: list[Fraction] = []
    for start_s, item in sorted(items, key=lambda pair: pair[0]):
        row = next((number for number, end in enumerate(ends) if end <= start_s), None)
        if row is None:
            rows.append([])
            ends.append(Fraction(0))
            row = len(rows) - 1
        if start_s > ends[row]:
            rows[row].append(gap(start_s - ends[row], rate))
        rows[row].append(item)
        ends[row] = start_s + item.length_s
    return [tuple(row) for row in rows]


def gap(length_s: Fraction, rate: Fraction, id: str = "") -> ExchangedItem:
    """Return a gap."""
    return ExchangedItem("", Fraction(0), length_s, rate, id=id, gap=True)


def starts(track: ExchangedTrack) -> list[tuple[Fraction, ExchangedItem]]:
    """Return the items of a track that are no gaps, each with its second of the timeline."""
    at, found = Fraction(0), []
    for item in track.items:
        if not item.gap:
            found.append((at, item))
        at += item.length_s
    return found
