"""The coded bytes of a film's units, wherever its container keeps them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from engine.errors import MissingMedia, SourceChanged
from engine.media.containers import Family, family
from engine.media.packet_source import Lost, NumberedPackets, PacketSource
from engine.model.frame_index import FrameIndex
from engine.model.media import MediaInfo


def read_units(path: Path, info: MediaInfo, index: FrameIndex, start: int, stop: int) -> Iterator[bytes]:
    """Yield the bytes of the units [start, stop) in decode order, the packets of a unit joined.

    Raises:
        MissingMedia, DamagedMedia: the file cannot be read.
        SourceChanged: it does not hold the packets of the index.
    """
    if _lies_in_samples(info, index, start, stop):
        yield from _samples(path, index, start, stop)
        return
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


def _lies_in_samples(info: MediaInfo, index: FrameIndex, start: int, stop: int) -> bool:
    """Tell whether the units are samples of an MP4, whose bytes stand in the file as FFmpeg's demuxer gives them."""
    plain = family(info.container) is Family.ISO and not info.fragmented and not info.encrypted
    whole = (index.position[start:stop] >= 0).all() and (index.packet_count[start:stop] == 1).all()
    return bool(plain and whole)


def _samples(path: Path, index: FrameIndex, start: int, stop: int) -> Iterator[bytes]:
    try:
        with path.open("rb") as file:
            for position, size in zip(
                index.position[start:stop].tolist(), index.size[start:stop].tolist(), strict=True
            ):
                file.seek(position)
                data = file.read(size)
                if len(data) < size:
                    raise SourceChanged(f"{path} ends before coded frame {stop}: it is not the file that was indexed")
                yield data
    except OSError as error:
        raise MissingMedia(f"{path} cannot be read: {error.strerror}") from error


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
