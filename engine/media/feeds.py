"""Where the packets of the edited track come from: the source's with units exchanged, or all new ones."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import Protocol

from av.packet import Packet
from av.stream import Stream

from engine.errors import DamagedMedia
from engine.media.bitstream.nal import Framing
from engine.media.coded import CodedUnit, Splice
from engine.media.in_band import HeaderMemory, header_syntax
from engine.model.frame_index import FrameIndex, UnitKind
from engine.model.media import MediaInfo


class Feed(Protocol):
    """Where the edited track's packets come from."""

    replaced: int
    restored: int

    def instead_of(self, packet: Packet[Stream]) -> Iterator[Packet[Stream]]:
        """Yield what stands for the source's next packet of the edited track."""

    def until(self, time: Fraction | None) -> Iterator[Packet[Stream]]:
        """Yield what has to be written before another track's packet of this decode time, in seconds."""

    def rest(self) -> Iterator[Packet[Stream]]:
        """Yield what is left behind the source's last packet."""


class Spliced:
    """The edited stream's packets, one by one: a copy, or the unit that stands in its place."""

    def __init__(self, info: MediaInfo, index: FrameIndex, splices: Sequence[Splice], track: Stream) -> None:
        self._index = index
        self._track = track
        self._new: dict[int, CodedUnit] = {}
        self._restarts: set[int] = set()
        for splice in splices:
            self._new.update(zip(range(splice.start, splice.stop), splice.units, strict=True))
            self._restarts.add(splice.stop)
        self._unit = -1
        self._ordinal = 0
        self._ticks_ahead: int | None = None
        self._foreign_headers = False
        length_prefixed = info.video.codec in ("h264", "hevc") and info.video.extradata[:1] == b"\x01"
        syntax = header_syntax(info.video.codec, Framing.LENGTH_4 if length_prefixed else Framing.START_CODES)
        self._headers = HeaderMemory(syntax, info.video.extradata) if syntax and splices else None
        self.replaced = 0
        self.restored = 0

    def until(self, time: Fraction | None) -> Iterator[Packet[Stream]]:
        """Yield nothing: every new packet has its place in the source's order."""
        return iter(())

    def instead_of(self, packet: Packet[Stream]) -> Iterator[Packet[Stream]]:
        """Yield the source's packet itself, a new one, or nothing."""
        starts_unit = self._advance()
        unit = self._unit
        if self._ticks_ahead is None and self._index.exact_timestamps:
            # Read sample by sample, an MP4's clock may start elsewhere than in the index, where its edit list applies.
            self._ticks_ahead = 0 if packet.pts is None else packet.pts - int(self._index.pts[unit])
        if self._headers is not None and starts_unit and self._index.kind[unit] != UnitKind.OTHER:
            self._headers.read(bytes(packet))
        new = self._new.get(unit)
        if new is None:
            if starts_unit and unit in self._restarts and self._foreign_headers:
                packet = self._with_headers(packet)
                self._foreign_headers = False
            packet.stream = self._track
            yield packet
        elif starts_unit:
            if self._headers is not None:
                self._foreign_headers |= self._headers.is_changed_by(new.data)
            self.replaced += 1
            yield _packet(new, self._ticks_ahead or 0, self._index.time_base, self._track)

    def rest(self) -> Iterator[Packet[Stream]]:
        """Yield nothing.

        Raises:
            DamagedMedia: the source had fewer packets than its index.
        """
        if self._ordinal != self._index.packet_total:
            raise DamagedMedia(f"the film has {self._ordinal} video packets, its index {self._index.packet_total}")
        return iter(())

    def _advance(self) -> bool:
        following = self._unit + 1
        if self._ordinal >= self._index.packet_total:
            raise DamagedMedia(f"the film has more video packets than its index: {self._index.packet_total}")
        starts_unit = following < self._index.unit_count and self._ordinal == self._index.first_packet[following]
        if starts_unit:
            self._unit = following
        self._ordinal += 1
        return starts_unit

    def _with_headers(self, packet: Packet[Stream]) -> Packet[Stream]:
        assert self._headers is not None
        before = bytes(packet)
        data = self._headers.restored(before)
        if data == before:
            return packet
        self.restored += 1
        copy: Packet[Stream] = Packet(data)
        copy.pts, copy.dts, copy.duration = packet.pts, packet.dts, packet.duration
        copy.time_base, copy.is_keyframe = packet.time_base, packet.is_keyframe
        return copy


class Anew:
    """The edited track's packets, all of them new, in step with the other tracks."""

    def __init__(self, units: Iterator[CodedUnit], time_base: Fraction, track: Stream) -> None:
        self._units = units
        self._time_base = time_base
        self._track = track
        self._next = next(units, None)
        self.replaced = 0
        self.restored = 0

    def instead_of(self, packet: Packet[Stream]) -> Iterator[Packet[Stream]]:
        """Yield what the source's packet gives way to: all up to its time."""
        return self.until(time_of(packet))

    def until(self, time: Fraction | None) -> Iterator[Packet[Stream]]:
        """Yield the units that are decoded before a time, in seconds."""
        while self._next is not None and time is not None and self._next.dts * self._time_base <= time:
            yield self._take(self._next)

    def rest(self) -> Iterator[Packet[Stream]]:
        """Yield the units that are left."""
        while self._next is not None:
            yield self._take(self._next)

    def _take(self, unit: CodedUnit) -> Packet[Stream]:
        self._next = next(self._units, None)
        self.replaced += 1
        return _packet(unit, 0, self._time_base, self._track)


def time_of(packet: Packet[Stream]) -> Fraction | None:
    ticks = packet.pts if packet.dts is None else packet.dts
    return None if ticks is None or packet.time_base is None else ticks * packet.time_base


def _packet(unit: CodedUnit, ticks_ahead: int, time_base: Fraction, track: Stream) -> Packet[Stream]:
    packet: Packet[Stream] = Packet(unit.data)
    packet.pts, packet.dts, packet.duration = unit.pts + ticks_ahead, unit.dts + ticks_ahead, unit.duration
    packet.time_base = time_base
    packet.is_keyframe = unit.key
    packet.stream = track
    return packet
