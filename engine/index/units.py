"""Join a stream's packets into coded units: what one shown frame is made of. Pure."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.media.bitstream.units import Structure, UnitFacts, is_field_pair
from engine.media.demux import PacketTable
from engine.model.frame_index import Int64, UnitKind

_ENTRIES = frozenset({UnitKind.IDR, UnitKind.CRA, UnitKind.BLA, UnitKind.OPEN_I})


@dataclass(frozen=True, slots=True, eq=False)
class Units:
    """The units of a stream in decode order; all arrays have one element per unit.

    Attributes:
        first_packet, packet_count: int64, which packets they are made of.
        timed_packet: int64, the packet that carries the frame's presentation time.
        kind: uint8, a UnitKind. shown: bool, whether a picture comes of it.
    """

    first_packet: Int64
    packet_count: Int64
    timed_packet: Int64
    kind: NDArray[np.uint8]
    shown: NDArray[np.bool_]


def joined(packets: PacketTable) -> Units:
    """Join packets into units.

    The two fields of a frame may come in two packets (H.264 and MPEG-2 in transport streams); a hidden reference frame
    (VP8's golden and alternate reference frames) belongs to the shown frame behind it.
    """
    rows: list[tuple[int, int, int, UnitKind, bool]] = []
    facts = packets.facts
    shown = _shown(facts)
    start = at = 0
    while at < len(facts):
        fact = facts[at]
        if not shown[at]:
            if fact.kind in _ENTRIES and at > start:
                rows.append((start, at - start, start, facts[start].kind, False))
                start = at
            at += 1
            continue
        if fact.kind in _ENTRIES and at > start:
            # What is hidden before an entry is of no use to it, and the entry must be a unit's first packet.
            rows.append((start, at - start, start, facts[start].kind, False))
            start = at
        timed = at
        at += 2 if _is_pair(facts, at) else 1
        rows.append((start, at - start, timed, facts[start].kind, True))
        start = at
    if start < len(facts):
        rows.append((start, len(facts) - start, start, facts[start].kind, False))
    first, count, timed_packets, kinds, gives = zip(*rows, strict=True) if rows else ((),) * 5
    return Units(
        first_packet=np.array(first, np.int64),
        packet_count=np.array(count, np.int64),
        timed_packet=np.array(timed_packets, np.int64),
        kind=np.array(kinds, np.uint8),
        shown=np.array(gives, np.bool_),
    )


def _shown(facts: tuple[UnitFacts, ...]) -> list[bool]:
    """Tell of which packets a picture comes; where one held two, each later packet gives the picture before its own.

    The packet that only keeps a place then gives the last of them.
    """
    ahead = 0
    result = []
    for fact in facts:
        result.append(fact.shown or ahead > 0)
        ahead += fact.holds_next - (not fact.shown and ahead > 0)
    return result


def _is_pair(facts: tuple[UnitFacts, ...], at: int) -> bool:
    return (
        facts[at].structure is not Structure.FRAME and at + 1 < len(facts) and is_field_pair(facts[at], facts[at + 1])
    )
