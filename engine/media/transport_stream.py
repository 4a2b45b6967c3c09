"""A transport stream with other pictures in it: only the edited pictures' packets change, all else keeps its bytes.

Programme tables, other programmes, teletext, arrival times and whatever stands in the stream stay where they are. The
continuity counter (ISO/IEC 13818-1 2.4.3.3) is met behind a splice by spreading its payload over a few packets more, so
that not even the counters of the packets behind it change.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine.control import CancelToken, Progress
from engine.media.bitstream.nal import Framing
from engine.media.coded import CodedUnit, Splice
from engine.media.in_band import header_syntax, leaves_headers
from engine.media.in_place import NotPatchable
from engine.media.mp4.copying import Piece, copy_piece, write_all
from engine.model.frame_index import FrameIndex
from engine.model.media import MediaInfo

_PACKET = 188
_PAYLOAD = 184
_SYNC = 0x47
_TICKS = 90_000
_UNITS_AT_ONCE = 64


@dataclass(frozen=True, slots=True, eq=False)
class _Region:
    """The packets of the file from the first picture of a splice to the first one behind it.

    Attributes:
        head: uint8 [packets, 0 or 4], arrival times. body: uint8 [packets, 188].
        video: packets of the edited track, as row numbers. starts: those that begin a PES packet.
        rest: what is no whole packet at the end of the file.
    """

    head: NDArray[np.uint8]
    body: NDArray[np.uint8]
    video: NDArray[np.int64]
    starts: NDArray[np.int64]
    rest: bytes


@dataclass(frozen=True, slots=True)
class _PesForm:
    """What new PES packets take over: stream_id, the byte with the alignment flag, whether they state their length."""

    stream_id: int
    flags: int
    with_length: bool


def patch_transport_stream(
    source: Path,
    info: MediaInfo,
    index: FrameIndex,
    splices: Sequence[Splice],
    target: Path,
    packet_bytes: int,
    progress: Progress,
    cancel: CancelToken,
) -> NotPatchable | None:
    """Copy a transport stream and exchange the splices' pictures.

    Args:
        source: the film; not modified.
        info: of the source.
        index: of the source's edited stream; its positions are those of PES packets.
        splices: in order, that do not overlap.
        target: written anew.
        packet_bytes: 188, or 192 with arrival times.
        progress: gets the share of the source's bytes.
        cancel: looked at between pieces.

    Returns:
        None when it is done; else why it cannot be, with the target unfinished.

    Raises:
        Cancelled: on request.
        OSError: the target cannot be written.
    """
    size = source.stat().st_size
    if index.time_base != Fraction(1, _TICKS):
        return NotPatchable("its clock does not run at 90 kHz")
    read = 0

    def count(step: int) -> None:
        nonlocal read
        read += step
        progress.report("Writing", read / size)

    stream = _Stream(source, info, index, packet_bytes)
    with source.open("rb", buffering=0) as reader, target.open("wb", buffering=0) as writer:
        done = 0
        for splice in splices:
            at, stop = stream.place(splice.start), stream.place(splice.stop)
            if at < done or stop <= at:
                return NotPatchable("its pictures do not stand in decode order")
            copy_piece(reader, writer, Piece(done, at, writer.tell()), cancel, count)
            spread = _spread(stream, splice)
            if isinstance(spread, NotPatchable):
                return spread
            for packets in _exchanged(stream, splice, spread):
                cancel.check()
                if isinstance(packets, NotPatchable):
                    return packets
                write_all(writer, packets)
            count(stop - at)
            done = stop
        copy_piece(reader, writer, Piece(done, size, writer.tell()), cancel, count)
    return None


class _Stream:
    """The source's transport packets, a few pictures at a time."""

    def __init__(self, source: Path, info: MediaInfo, index: FrameIndex, packet_bytes: int) -> None:
        self._source = source
        self._size = source.stat().st_size
        self._packet_bytes = packet_bytes
        self._pid = info.video.track_id
        self.index = index
        self.syntax = header_syntax(info.video.codec, Framing.START_CODES)

    def place(self, unit: int) -> int:
        """Return where a unit begins in the file; behind the last one, the file's end."""
        return int(self.index.position[unit]) if unit < self.index.unit_count else self._size

    def rows_of(self, units: range, place: int) -> dict[int, int]:
        """Return the unit that begins at each row of a region that starts at `place`."""
        return {(self.place(unit) - place) // self._packet_bytes: unit for unit in units}

    def region(self, start: int, stop: int) -> _Region | NotPatchable:
        """Read the packets of [start, stop) in the file."""
        with self._source.open("rb", buffering=0) as file:
            file.seek(start)
            return _region(file.read(stop - start), self._packet_bytes, self._pid)

    def picture_start(self, unit: int) -> bytes:
        """Return the first bytes of a unit, without its PES header."""
        region = self.region(self.place(unit), min(self._size, self.place(unit) + 64 * self._packet_bytes))
        if isinstance(region, NotPatchable):
            return b""
        stop = region.starts[1] if region.starts.size > 1 else region.body.shape[0]
        payload = b"".join(_payload(region.body[row]) for row in region.video if row < stop)
        return payload[_pes_header_bytes(payload) :]


@dataclass(frozen=True, slots=True)
class _Spread:
    """How the splice's pictures become transport packets.

    Attributes:
        counter: continuity counter of the first one.
        form: what PES packets take over.
        spread_unit: number of the unit that is spread over `more` packets than it needs.
    """

    counter: int
    form: _PesForm
    spread_unit: int
    more: int


def _spread(stream: _Stream, splice: Splice) -> _Spread | NotPatchable:
    """Make the counters of the packets behind the splice come right."""
    if leaves_headers(stream.syntax, splice, stream.index, stream.picture_start):
        return NotPatchable("the picture behind a splice relies on parameter sets before it")
    first = stream.region(stream.place(splice.start), stream.place(splice.start + 1))
    last = stream.region(stream.place(splice.stop - 1), stream.place(splice.stop))
    if isinstance(first, NotPatchable):
        return first
    if isinstance(last, NotPatchable):
        return last
    former, latter = (r.body[r.video[r.body[r.video, 3] & 0x10 != 0]] for r in (first, last))
    form = _pes_form(_payload(former[0]))
    counter = int(former[0, 3]) & 15
    packets = sum(len(_chunks(unit, len(_pes_packet(unit, form)))) for unit in splice.units)
    more = ((int(latter[-1, 3]) & 15) - counter + 1 - packets) % 16
    largest = max(range(len(splice.units)), key=lambda n: len(splice.units[n].data))
    return _Spread(counter, form, largest, more)


def _exchanged(stream: _Stream, splice: Splice, spread: _Spread) -> Iterator[bytes | NotPatchable]:
    """Yield the splice's part of the file, a few pictures at a time, new pictures in the places of the former ones."""
    counter = spread.counter
    for first in range(splice.start, splice.stop, _UNITS_AT_ONCE):
        units = range(first, min(splice.stop, first + _UNITS_AT_ONCE))
        place = stream.place(units.start)
        region = stream.region(place, stream.place(units.stop))
        if isinstance(region, NotPatchable):
            yield region
            return
        coded = sum(len(_payload(region.body[row])) for row in region.video)
        headers = sum(_pes_header_bytes(_payload(region.body[row])) for row in region.starts)
        if coded - headers != int(stream.index.size[units.start : units.stop].sum()):
            yield NotPatchable("its pictures and its PES packets do not begin together")
            return
        begins = stream.rows_of(units, place)
        is_video = np.zeros(region.body.shape[0], np.bool_)
        is_video[region.video] = True
        parts: list[bytes] = []
        for row in range(region.body.shape[0]):
            head, packet = region.head[row].tobytes(), region.body[row].tobytes()
            if not is_video[row]:
                parts += [head, packet]
                continue
            if _has_clock(packet):
                parts += [head, _clock_alone(packet, (counter - 1) & 15)]
            if row in begins:
                number = begins[row] - splice.start
                more = spread.more if number == spread.spread_unit else 0
                for new in _transport_packets(splice.units[number], spread.form, packet, counter, more):
                    parts += [head, new]
                    counter = (counter + 1) & 15
        yield b"".join(parts) + region.rest


def _transport_packets(unit: CodedUnit, form: _PesForm, former: bytes, counter: int, more: int) -> Iterator[bytes]:
    """Yield a unit's transport packets, `more` than it needs."""
    payload = _pes_packet(unit, form)
    chunks = _chunks(unit, len(payload))
    for _ in range(more):
        at = max(range(len(chunks)), key=chunks.__getitem__)
        half = chunks[at] // 2
        chunks[at : at + 1] = [chunks[at] - half, half]
    at = 0
    for n, size in enumerate(chunks):
        field = _stuffing(_PAYLOAD - size, 0x40 if n == 0 and unit.key else 0)
        flags = former[1] & 0x1F | (0x40 if n == 0 else 0)
        control = (0x30 if field else 0x10) | (counter + n) & 15
        yield bytes([_SYNC, flags, former[2], control]) + field + payload[at : at + size]
        at += size


def _region(raw: bytes, packet_bytes: int, pid: int) -> _Region | NotPatchable:
    count = len(raw) // packet_bytes
    rows = np.frombuffer(raw, np.uint8, count * packet_bytes).reshape(count, packet_bytes)
    head, body = rows[:, : packet_bytes - _PACKET], rows[:, packet_bytes - _PACKET :]
    if not (body[:, 0] == _SYNC).all():
        return NotPatchable("packets are missing or cut in it")
    # ISO/IEC 13818-1 2.4.3.2: the PID has 13 bits.
    video = np.flatnonzero((body[:, 1] & 0x1F == pid >> 8) & (body[:, 2] == pid & 0xFF))
    if (body[video, 3] & 0xC0).any():
        return NotPatchable("its packets are scrambled")
    starts = video[body[video, 1] & 0x40 != 0]
    if not starts.size or starts[0] != 0:
        return NotPatchable("a picture does not begin with a packet of its own")
    return _Region(head, body, video, starts, raw[count * packet_bytes :])


def _payload(packet: NDArray[np.uint8]) -> bytes:
    control = int(packet[3])
    if not control & 0x10:
        return b""
    at = 5 + int(packet[4]) if control & 0x20 else 4
    return packet[at:].tobytes()


def _pes_header_bytes(payload: bytes) -> int:
    # ISO/IEC 13818-1 2.4.3.6: six bytes, two of flags, PES_header_data_length, and as many more.
    return 9 + payload[8] if len(payload) > 8 and payload[:3] == b"\0\0\1" else 0


def _pes_form(payload: bytes) -> _PesForm:
    return _PesForm(payload[3], payload[6] & 0xCF, payload[4:6] != b"\0\0")


def _pes_packet(unit: CodedUnit, form: _PesForm) -> bytes:
    pts, dts = unit.pts & (1 << 33) - 1, unit.dts & (1 << 33) - 1
    times = _time(2, pts) if pts == dts else _time(3, pts) + _time(1, dts)
    length = 3 + len(times) + len(unit.data)
    # Only video may leave its length open, and must where 16 bits do not hold it.
    stated = length if form.with_length and length < 1 << 16 else 0
    flags = 0x80 if pts == dts else 0xC0
    header = bytes([form.stream_id]) + stated.to_bytes(2, "big") + bytes([form.flags, flags, len(times)])
    return b"\0\0\1" + header + times + unit.data


def _time(prefix: int, ticks: int) -> bytes:
    """Return a 33-bit time with its marker bits (ISO/IEC 13818-1 table 2-21)."""
    bits = prefix << 36 | (ticks >> 30 & 7) << 33 | 1 << 32 | (ticks >> 15 & 0x7FFF) << 17 | 1 << 16
    return (bits | (ticks & 0x7FFF) << 1 | 1).to_bytes(5, "big")


def _chunks(unit: CodedUnit, size: int) -> list[int]:
    """Return how many bytes of a unit's PES packet each transport packet takes; an entry's first one is marked."""
    first = min(size, _PAYLOAD - 2 if unit.key else _PAYLOAD)
    whole, rest = divmod(size - first, _PAYLOAD)
    return [first, *[_PAYLOAD] * whole, *([rest] if rest else [])]


def _has_clock(packet: bytes) -> bool:
    return bool(packet[3] & 0x20) and packet[4] > 0 and bool(packet[5] & 0x10)


def _clock_alone(packet: bytes, counter: int) -> bytes:
    """Return a packet with the adaptation field alone: its clock stays where it was."""
    field = packet[6 : 5 + packet[4]]
    # Bits of the field: discontinuity, random access, priority, PCR, OPCR, splicing point, private data, extension.
    flags = packet[5] & ~0x60
    body = bytes([_PACKET - 5, flags]) + field
    head = bytes([_SYNC, packet[1] & ~0x40, packet[2], 0x20 | counter])
    return head + body + b"\xff" * (_PACKET - len(head) - len(body))


def _stuffing(space: int, flags: int) -> bytes:
    """Return an adaptation field that fills so many bytes of a packet (ISO/IEC 13818-1 2.4.3.4)."""
    if space < 2:
        return b"\0" * space
    return bytes([space - 1, flags]) + b"\xff" * (space - 2)
