"""The captions of a layer as lines of a table, and the edits of them. Values only."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from fractions import Fraction

from engine.errors import EditRefused
from engine.model.caption_cues import captions_from_cues
from engine.model.caption_files import CaptionFile, CaptionFormat, Cue
from engine.model.captions import Caption
from engine.model.edits import AddItems, Compound, Edit, RemoveItems, ReplaceItem
from engine.model.ids import new_id
from engine.model.layers import Layer
from engine.model.placement import caption_times
from engine.model.project import Project
from engine.model.timeline import TimelineMap

FAST = 20.0
"""More characters a second than most people read (Netflix's timed text guide: 20 for adults)."""
SHORTEST_S = Fraction(1, 5)
NEW_S = Fraction(2)
_TAG = re.compile(r"<[^>]*>")
_TIME = re.compile(r"(?:(\d+):)?(?:(\d+):)?(\d+)(?:[.,](\d{1,3}))?")


@dataclass(frozen=True, slots=True)
class Line:
    """A caption with the times at which it first shows on the timeline, in seconds; None where it is cut out."""

    caption: Caption
    start_s: Fraction | None
    stop_s: Fraction | None

    @property
    def speed(self) -> float | None:
        """Return how many characters a second have to be read."""
        if self.start_s is None or self.stop_s is None or self.stop_s <= self.start_s:
            return None
        return len(_TAG.sub("", self.caption.text).replace("\n", " ").strip()) / float(self.stop_s - self.start_s)

    @property
    def is_fast(self) -> bool:
        """Whether that is more than most people read."""
        return self.speed is not None and self.speed > FAST


def lines_of(layer: Layer, timeline: TimelineMap, known: Iterable[Line] = ()) -> tuple[Line, ...]:
    """Return the captions of a layer in the order of the film; those that are cut out stand last.

    Args:
        layer: of captions.
        timeline: of the project.
        known: lines of the same timeline; where a caption is in them, its times are not looked up again.
    """
    found = {id(line.caption): line for line in known}
    lines = []
    for item in layer.items:
        if not isinstance(item, Caption):
            continue
        line = found.get(id(item))
        if line is None:
            times = caption_times(item.place, timeline)
            start, stop = times[0] if times else (None, None)
            line = Line(item, start, stop)
        lines.append(line)
    return tuple(sorted(lines, key=lambda line: (line.start_s is None, line.start_s or 0, line.caption.id)))


def time_text(seconds: Fraction | None) -> str:
    """Return a time as "1:02.500", with hours where there are any."""
    if seconds is None:
        return "cut out"
    ms = round(seconds * 1000)
    whole, ms = divmod(ms, 1000)
    minutes, s = divmod(whole, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{s:02d}.{ms:03d}" if hours else f"{minutes}:{s:02d}.{ms:03d}"


def time_of(text: str) -> Fraction:
    """Return the seconds of a time as a person writes it: "62.5", "1:02.5" or "0:01:02,500".

    Raises:
        EditRefused: it is no time.
    """
    match = _TIME.fullmatch(text.strip())
    if match is None:
        raise EditRefused(f"“{text}” is no time; write it as 1:02.500")
    first, second, s, part = match.groups()
    hours, minutes = (int(first), int(second)) if second is not None else (0, int(first or 0))
    return Fraction(hours * 3600 + minutes * 60 + int(s)) + Fraction(int((part or "0").ljust(3, "0")), 1000)


def with_start(line: Line, start_s: Fraction) -> Edit:
    """Let a caption begin at another time of the timeline; it still ends when it did."""
    assert line.start_s is not None
    place = line.caption.place
    return ReplaceItem(replace(line.caption, place=replace(place, start_s=place.start_s + start_s - line.start_s)))


def with_stop(line: Line, stop_s: Fraction) -> Edit:
    """Let a caption end at another time of the timeline."""
    assert line.stop_s is not None
    place = line.caption.place
    return ReplaceItem(replace(line.caption, place=replace(place, stop_s=place.stop_s + stop_s - line.stop_s)))


def with_text(line: Line, text: str) -> Edit:
    """Let a caption say something else."""
    kept = "\n".join(part.strip() for part in text.strip().split("\n") if part.strip())
    if not kept:
        raise EditRefused("a caption without text is deleted instead")
    return ReplaceItem(replace(line.caption, text=kept))


def new_caption(project: Project, layer: Layer, lines: tuple[Line, ...], at_s: Fraction) -> tuple[Edit, str]:
    """Return the edit that adds a caption at a time, up to the next one, and its id.

    Raises:
        EditRefused: another one shows there.
    """
    begun = [line for line in lines if line.start_s is not None and line.stop_s is not None]
    for line in begun:
        if line.start_s is not None and line.stop_s is not None and line.start_s <= at_s < line.stop_s:
            raise EditRefused("a caption shows here already; split it, or put the playhead behind it")
    later = [line.start_s for line in begun if line.start_s is not None and line.start_s > at_s]
    timeline = TimelineMap(project)
    stop_s = min([at_s + NEW_S, timeline.time_of(timeline.frame_count), *later])
    cue = Cue(round(at_s * 1000), max(round(stop_s * 1000), round(at_s * 1000) + 1), "New caption")
    (caption,) = captions_from_cues(project, CaptionFile(CaptionFormat.SRT, (cue,)), new_id)
    return AddItems(layer.id, (caption,)), caption.id


def split(layer: Layer, line: Line, at_s: Fraction | None) -> Edit:
    """Divide a caption at a time inside it, else in its middle; its words go to where they fit best.

    Raises:
        EditRefused: it has one word, or is too short.
    """
    if line.start_s is None or line.stop_s is None:
        raise EditRefused("the caption is cut out of the film; there is nothing to split")
    inside = at_s is not None and line.start_s + SHORTEST_S <= at_s <= line.stop_s - SHORTEST_S
    cut = at_s if inside and at_s is not None else (line.start_s + line.stop_s) / 2
    share = float((cut - line.start_s) / (line.stop_s - line.start_s))
    first, second = _divided(line.caption.text, share)
    place = line.caption.place
    middle = place.start_s + cut - line.start_s
    if not place.start_s < middle < place.stop_s:
        raise EditRefused("the caption is too short to be split")
    before = replace(line.caption, text=first, place=replace(place, stop_s=middle))
    after = replace(line.caption, id=new_id(), text=second, place=replace(place, start_s=middle), cue="")
    return Compound("Split caption", (ReplaceItem(before), AddItems(layer.id, (after,))))


def merge(lines: tuple[Line, ...]) -> Edit:
    """Make one caption of several, from the first one's beginning to the last one's end.

    Raises:
        EditRefused: there is one, or they belong to different films.
    """
    if len(lines) < 2:
        raise EditRefused("choose two captions or more to merge them")
    first = lines[0].caption
    place = first.place
    for line in lines[1:]:
        other = line.caption.place
        if type(other) is not type(place) or getattr(other, "source_id", "") != getattr(place, "source_id", ""):
            raise EditRefused("these captions belong to different films and cannot be merged")
    stop_s = max(line.caption.place.stop_s for line in lines)
    text = " ".join(line.caption.text.replace("\n", " ") for line in lines)
    if len(text) > 42:
        text = "\n".join(_divided(text, 0.5))
    merged = replace(first, text=text, place=replace(place, stop_s=stop_s))
    return Compound("Merge captions", (RemoveItems(tuple(line.caption.id for line in lines[1:])), ReplaceItem(merged)))


def _divided(text: str, share: float) -> tuple[str, str]:
    """Divide a text between two words, as near as can be to a share of its length."""
    breaks = [match.span() for match in re.finditer(r"\s+", text.strip())]
    if not breaks:
        raise EditRefused("the caption has one word; there is nothing to split")
    text = text.strip()
    start, stop = min(breaks, key=lambda span: abs(span[0] - share * len(text)))
    return text[:start], text[stop:]
