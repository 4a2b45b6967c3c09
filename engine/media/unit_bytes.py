"""The coded bytes of a film's units, wherever its container keeps them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from engine.errors import SourceChanged
from engine.media.packet_source import Lost, NumberedPackets, PacketSource
from engine.model.frame_index import FrameIndex
from engine.model.media import MediaInfo


def read_units(path: Path, info: MediaInfo, index: FrameIndex, start: int, stop: int) -> Iterator[bytes]:
    """Yield the bytes of the units [start, stop) in decode order, the packets of a unit joined.

    Raises:
        MissingMedia, DamagedMedia: the file cannot be read.
        SourceChanged: it does not hold the packets of the index.
    """
    with closing(PacketSource(path, info, index)) as source:
        at = start
        landed = source.from_unit(start) if start else None
        try:
            for data in _joined(landed[1] if landed else source.from_start()[1], start, stop):
                yield data
                at += 1
        except Lost:
            source.distrust()
            yield from _joined(source.from_start()[1], at, stop)
            return
        if at < stop:
            raise SourceChanged(f"{path} ends before coded frame {stop}: it is not the file that was indexed")


def _joined(packets: NumberedPackets, start: int, stop: int) -> Iterator[bytes]:
    current = start - 1
    parts: list[bytes] = []
    for unit, packet in packets:
        if unit < start:
            continue
        if unit != current:
            if parts:
                yield b"".join(parts)
            if unit >= stop:
                return
            current, parts = unit, []
        parts.append(bytes(packet))
    if parts:
        yield b"".join(parts)
