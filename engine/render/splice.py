"""What stands in a cut's place: the encoded units, what rides along with the source's, and the entry behind them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from engine.errors import DamagedMedia
from engine.media.bitstream import carried, parameter_sets
from engine.media.bitstream.nal import Framing
from engine.media.coded import CodedUnit, EncodedSegment, Splice
from engine.media.encoders.plan import EncoderPlan
from engine.media.entry import standing_alone, with_header, with_lost_leading
from engine.media.unit_bytes import read_units
from engine.model.frame_index import FrameIndex, Int64, UnitKind
from engine.model.time import Range
from engine.plan.seam import Cut
from engine.render.film import Film


def encoded_ranks(index: FrameIndex, cut: Cut) -> Range:
    """Return the display ranks of a cut that are encoded: all but the lost pictures at its start."""
    return Range(cut.ranks.start + len(_lost(index, cut)), cut.ranks.stop)


def slots(index: FrameIndex, cut: Cut) -> Int64:
    """Return the units whose places the encoded ones take, in decode order."""
    lost = _lost(index, cut)
    taken = np.arange(cut.units.start, cut.units.start + len(cut.ranks))
    return taken[(taken < lost.start) | (taken >= lost.stop)] if lost else taken


def shown_units(index: FrameIndex, ranks: Range) -> Int64:
    """Return the unit that is shown at each display rank."""
    return np.argsort(index.pts, kind="stable")[ranks.start : ranks.stop]


def splice(film: Film, cut: Cut, encoder: EncoderPlan, segment: EncodedSegment) -> Splice:
    """Return what stands in a cut's place: the encoded units, and the entry behind them where it must change."""
    units = _among_lost(film, cut, segment.units)
    entry = _entry(film, cut, encoder)
    if entry is None:
        return Splice(cut.units.start, cut.units.stop, units)
    return Splice(cut.units.start, cut.units.start + len(units) + 1, (*units, entry))


def with_carried_data(film: Film, cut: Cut, units: Sequence[CodedUnit]) -> tuple[CodedUnit, ...]:
    """Return a cut's encoded units with the captions and the like that the source's units of the same frames carry."""
    video = film.info.video
    if video.codec not in carried.CODECS:
        return tuple(units)
    has_nal_units = video.codec in ("h264", "hevc")
    framing = parameter_sets.framing(video.codec, video.extradata) if has_nal_units else Framing.START_CODES
    shown = shown_units(film.index, encoded_ranks(film.index, cut))
    place = {unit: number for number, unit in enumerate(shown.tolist())}
    first = min(place)
    result = list(units)
    for unit, source in enumerate(read_units(film.path, film.info, film.index, first, max(place) + 1), first):
        if unit not in place:
            continue
        new = result[place[unit]]
        try:
            data = carried.with_carried(video.codec, new.data, source, framing)
        except DamagedMedia:  # what cannot be read in the source cannot be kept
            continue
        result[place[unit]] = replace(new, data=data)
    return tuple(result)


def _lost(index: FrameIndex, cut: Cut) -> Range:
    """Return the units behind a cut's first one that no decoder shows.

    A recording that was cut out of a stream with open groups begins with leading pictures whose references are missing.
    They keep their places and their bytes: an encoded picture there would be shown. Those that only an edit list hides,
    behind another picture than an entry, are pictures like any other.
    """
    first = cut.units.start
    if index.kind[first] == UnitKind.OTHER:
        return Range(first + 1, first + 1)
    shown = shown_units(index, cut.ranks)
    count = int(np.flatnonzero(shown == first)[0])
    lost = Range(first + 1, first + 1 + count)
    whole = sorted(shown[:count].tolist()) == list(lost) and bool((index.frame_of[shown[:count]] < 0).all())
    return lost if whole else Range(first + 1, first + 1)


def _among_lost(film: Film, cut: Cut, units: tuple[CodedUnit, ...]) -> tuple[CodedUnit, ...]:
    """Return the encoded units with the lost pictures behind the first one."""
    index, video = film.index, film.info.video
    lost = _lost(index, cut)
    if not lost:
        return units
    kept = tuple(
        CodedUnit(data, int(index.pts[unit]), int(index.dts[unit]), int(index.duration[unit]), False)
        for unit, data in enumerate(read_units(film.path, film.info, index, lost.start, lost.stop), lost.start)
    )
    return (replace(units[0], data=with_lost_leading(video.codec, units[0].data)), *kept, *units[1:])


def _entry(film: Film, cut: Cut, encoder: EncoderPlan) -> CodedUnit | None:
    """Return the entry behind a cut where it takes another slot or must change, else None."""
    index = film.index
    if cut.entry >= index.unit_count:
        return None
    moves = cut.entry in cut.units
    if not (moves or encoder.entry_header):
        return None
    codec, extradata = film.info.video.codec, film.info.video.extradata
    (source,) = read_units(film.path, film.info, index, cut.entry, cut.entry + 1)
    data = with_header(codec, source, encoder.entry_header) if encoder.entry_header else source
    if moves:
        data = standing_alone(codec, data, extradata)
    elif data == source:
        return None
    slot = cut.units.stop - 1 if moves else cut.entry
    return CodedUnit(data, int(index.pts[cut.entry]), int(index.dts[slot]), int(index.duration[cut.entry]), True)
