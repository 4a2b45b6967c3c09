"""Parameter sets and sequence headers that travel inside the packets.

Where a re-encoded run brings its own, the source's must stand again before its next picture: most files repeat them at
every keyframe, some do not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from engine.media.bitstream.nal import Framing, starts
from engine.media.coded import Splice
from engine.model.frame_index import FrameIndex

_H264_SETS = frozenset({7, 8, 13, 15})  # SPS, PPS, SPS extension, subset SPS: H.264 table 7-1
_H264_DELIMITER = 9
_HEVC_SETS = frozenset({32, 33, 34})  # VPS, SPS, PPS: H.265 table 7-1
_HEVC_DELIMITER = 35

_MPEG2_SEQUENCE = 0xB3  # ISO/IEC 13818-2 table 6-1
_MPEG2_EXTENSION = 0xB5
_MPEG2_USER_DATA = 0xB2
_MPEG4_LAST_LAYER = 0x2F  # video objects 00-1F and layers 20-2F: ISO/IEC 14496-2 table 6-3
_MPEG4_SEQUENCE = 0xB0
_MPEG4_VISUAL_OBJECT = 0xB5


@dataclass(frozen=True, slots=True)
class HeaderSyntax:
    """How a codec's packets hold their headers.

    Attributes:
        pieces: yields (start, stop, is_header, goes_first) of the packet's elements, start codes included; what goes
            first (an access unit delimiter) stays in front of the headers.
    """

    pieces: Callable[[bytes], Iterator[tuple[int, int, bool, bool]]]

    def headers(self, packet: bytes) -> tuple[bytes, ...]:
        """Return the packet's headers, each with its start code."""
        return tuple(packet[start:stop] for start, stop, is_header, _ in self.pieces(packet) if is_header)

    def without_headers(self, packet: bytes) -> bytes:
        """Return the packet with its headers and delimiters left out."""
        return b"".join(
            packet[start:stop] for start, stop, header, first in self.pieces(packet) if not (header or first)
        )

    def with_headers(self, packet: bytes, headers: tuple[bytes, ...]) -> bytes:
        """Return the packet with the headers in front of everything but its delimiter."""
        at = 0
        for _, stop, _, goes_first in self.pieces(packet):
            if not goes_first:
                break
            at = stop
        return packet[:at] + b"".join(headers) + packet[at:]


def header_syntax(codec: str, framing: Framing) -> HeaderSyntax | None:
    """Return how a codec keeps its headers in band, None where it does not (or keeps them beside the packets)."""
    if codec == "h264" and framing is Framing.START_CODES:
        return HeaderSyntax(_h264)
    if codec == "hevc" and framing is Framing.START_CODES:
        return HeaderSyntax(_hevc)
    if codec in ("mpeg2video", "mpeg1video"):
        return HeaderSyntax(_mpeg2)
    if codec == "mpeg4":
        return HeaderSyntax(_mpeg4)
    return None


def leaves_headers(
    syntax: HeaderSyntax | None, splice: Splice, index: FrameIndex, picture_start: Callable[[int], bytes]
) -> bool:
    """Tell whether pictures behind a splice would meet headers of the splice that are none of the source's.

    Args:
        syntax: of the edited stream, None where it keeps no headers in band.
        splice: what is put in.
        index: of the source.
        picture_start: gives the first bytes of a source unit.
    """
    if syntax is None or splice.stop >= index.unit_count or syntax.headers(picture_start(splice.stop)):
        return False
    brought = (headers for unit in reversed(splice.units) if (headers := syntax.headers(unit.data)))
    last = next(brought, ())
    kinds = index.kind[splice.start : splice.stop]
    entries = [splice.start, *(splice.start + np.flatnonzero(kinds)).tolist()]
    own = {header for unit in entries for header in syntax.headers(picture_start(unit))}
    return any(header not in own for header in last)


class HeaderMemory:
    """Remember the headers in force, and put them back in front of a packet that lacks them."""

    def __init__(self, syntax: HeaderSyntax, extradata: bytes) -> None:
        self._syntax = syntax
        self._now = syntax.headers(extradata)

    def read(self, packet: bytes) -> None:
        """Take note of a source packet, copied or not."""
        found = self._syntax.headers(packet)
        if not found:
            return
        # A packet that brings the first kind of header (the SPS, the sequence header) brings the whole set.
        if not self._now or _kind(found[0]) == _kind(self._now[0]):
            self._now = found
        else:
            self._now += tuple(header for header in found if header not in self._now)

    def is_changed_by(self, packet: bytes) -> bool:
        """Tell whether a re-encoded packet brings headers other than those in force."""
        return any(header not in self._now for header in self._syntax.headers(packet))

    def restored(self, packet: bytes) -> bytes:
        """Return the source's packet, with the headers in force in front if it brings none of its own."""
        return packet if self._syntax.headers(packet) else self._syntax.with_headers(packet, self._now)


def _kind(header: bytes) -> int:
    return header[header.index(b"\x00\x00\x01") + 3]


def _h264(packet: bytes) -> Iterator[tuple[int, int, bool, bool]]:
    for start, stop, first in _elements(packet):
        kind = first & 0x1F
        yield start, stop, kind in _H264_SETS, kind == _H264_DELIMITER


def _hevc(packet: bytes) -> Iterator[tuple[int, int, bool, bool]]:
    for start, stop, first in _elements(packet):
        kind = (first >> 1) & 0x3F
        yield start, stop, kind in _HEVC_SETS, kind == _HEVC_DELIMITER


def _mpeg2(packet: bytes) -> Iterator[tuple[int, int, bool, bool]]:
    in_sequence = False
    for start, stop, code in _elements(packet):
        in_sequence = code == _MPEG2_SEQUENCE or (in_sequence and code in (_MPEG2_EXTENSION, _MPEG2_USER_DATA))
        yield start, stop, in_sequence, False


def _mpeg4(packet: bytes) -> Iterator[tuple[int, int, bool, bool]]:
    for start, stop, code in _elements(packet):
        yield start, stop, code <= _MPEG4_LAST_LAYER or code in (_MPEG4_SEQUENCE, _MPEG4_VISUAL_OBJECT), False


def _elements(packet: bytes) -> Iterator[tuple[int, int, int]]:
    """Yield (start, stop, first byte) of what stands behind each start code; start codes and padding included."""
    begins = list(starts(packet, Framing.START_CODES))
    edges = [0, *(_code_start(packet, begin) for begin in begins[1:]), len(packet)]
    for i, begin in enumerate(begins):
        yield edges[i], edges[i + 1], packet[begin]


def _code_start(packet: bytes, begin: int) -> int:
    """Return where the start code before `begin` starts, its zero_byte included (H.264 B.1.1)."""
    start = begin - 3
    return start - 1 if start > 0 and packet[start - 1] == 0 else start
