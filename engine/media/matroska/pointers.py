"""What points into a Matroska file, written anew for where things are now: Cues and SeekHead."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from engine.media import ebml
from engine.media.ebml import Buffer, Element
from engine.media.matroska import ids
from engine.media.matroska.clusters import Cluster, Refused


@dataclass(frozen=True, slots=True)
class Places:
    """Where things were and where they are.

    Attributes:
        data: the source. segment: its segment.
        at: place of each element of the segment now, by its offset in the source.
        clusters: those that are rewritten, by their offset in the source.
        track: number of the edited track.
        width: bytes of a place in the Cues; any place of the file fits, so that their size does not depend on it.
    """

    data: Buffer
    segment: Element
    at: Mapping[int, int]
    clusters: Mapping[int, Cluster]
    track: int
    width: int


def cues(places: Places, former: Element) -> bytes:
    """Return the Cues with the edited track's new keyframes, without those that are gone."""
    data = places.data
    number = places.track
    points: list[tuple[int, bytes]] = []
    says_where, has_ours = False, False
    for point in ebml.children(data, former.body, former.stop):
        if point.id != ids.CUE_POINT:
            continue
        told = ebml.find(data, point, ids.CUE_TIME)
        time = 0 if told is None else ebml.read_uint(data, told)
        kept = []
        for child in ebml.children(data, point.body, point.stop):
            if child.id != ids.CUE_TRACK_POSITIONS:
                continue
            values = {e.id: ebml.read_uint(data, e) for e in ebml.children(data, child.body, child.stop)}
            has_ours |= values.get(ids.CUE_TRACK) == number
            says_where |= ids.CUE_RELATIVE in values
            new = _cue_positions(places, child, values, time, number)
            if new is not None:
                kept.append(new)
        if kept:
            points.append((time, ebml.element(ids.CUE_POINT, ebml.uint(ids.CUE_TIME, time) + b"".join(kept))))
    for start, cluster in places.clusters.items():
        for pts, place in cluster.keys if has_ours else ():
            if pts >= 0:
                where = ebml.uint(ids.CUE_RELATIVE, place) if says_where else b""
                place_of = ebml.uint(ids.CUE_TRACK, number) + _cue_cluster(places, start) + where
                positions = ebml.element(ids.CUE_TRACK_POSITIONS, place_of)
                points.append((pts, ebml.element(ids.CUE_POINT, ebml.uint(ids.CUE_TIME, pts) + positions)))
    points.sort(key=lambda point: point[0])
    checked = data[former.body : former.body + 2] == b"\xbf\x84"
    content = (b"\xbf\x84" + bytes(4) if checked else b"") + b"".join(point for _, point in points)
    return ebml.element(ids.CUES, ebml.with_checksum(content), former.size_width)


def _cue_positions(places: Places, child: Element, values: Mapping[int, int], time: int, number: int) -> bytes | None:
    """Return where a cue leads now, None where its block is not there any more."""
    data = places.data
    start = places.segment.body + values.get(ids.CUE_CLUSTER, 0)
    cluster = places.clusters.get(start)
    if start not in places.at:
        return bytes(data[child.start : child.stop])
    relative = values.get(ids.CUE_RELATIVE)
    if cluster is not None and values.get(ids.CUE_TRACK) == number:
        gone = time in cluster.replaced_times if relative is None else relative in cluster.replaced
        if gone:
            return None
    content = b""
    for element in ebml.children(data, child.body, child.stop):
        if element.id == ids.CUE_CLUSTER:
            content += _cue_cluster(places, start)
        elif element.id == ids.CUE_RELATIVE and cluster is not None and relative is not None:
            content += ebml.uint(ids.CUE_RELATIVE, cluster.moved.get(relative, relative))
        else:
            content += data[element.start : element.stop]
    return ebml.element(ids.CUE_TRACK_POSITIONS, content)


def _cue_cluster(places: Places, start: int) -> bytes:
    return ebml.uint(ids.CUE_CLUSTER, places.at[start], places.width)


def seek_head(places: Places, head: Element) -> bytes:
    """Return the table of contents with the places of now.

    Raises:
        Refused: a place does not fit where the former one stands.
    """
    data = places.data
    content = bytearray(data[head.body : head.stop])
    for seek in ebml.children(data, head.body, head.stop):
        told = ebml.find(data, seek, ids.SEEK_POSITION) if seek.id == ids.SEEK else None
        if told is None:
            continue
        place = places.at.get(places.segment.body + ebml.read_uint(data, told))
        width = told.stop - told.body
        if place is None:
            continue
        if place.bit_length() > 8 * width:
            raise Refused("its table of contents has no room for larger places")
        content[told.body - head.body : told.stop - head.body] = place.to_bytes(width, "big")
    return bytes(data[head.start : head.body] + ebml.with_checksum(bytes(content)))
