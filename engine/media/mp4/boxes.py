"""Boxes of ISO base media and QuickTime files: where each one begins and ends.

Nothing here knows what a box means, and nothing here descends on its own: the callers walk a fixed path, so a file
cannot nest its way into deep recursion.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

MAX_TOP_LEVEL_BOXES = 1_000_000
"""More than a day of one-second fragments; a file of nothing but empty boxes ends here."""


class Malformed(Exception):
    """A structure that contradicts itself; the message names box and value. Becomes DamagedMedia at the edge."""


@dataclass(frozen=True, slots=True)
class Box:
    """A box; offsets count from the start of the file, or of the buffer it was found in.

    Attributes:
        kind: the four-character code.
        start: offset of the header.
        header: bytes of the header: 8, or 16 with a 64-bit size (ISO/IEC 14496-12, 4.2).
        stop: offset behind the box.
        open_ended: the size field is 0, "to the end of the file".
    """

    kind: bytes
    start: int
    header: int
    stop: int
    open_ended: bool = False

    @property
    def size(self) -> int:
        """Return the bytes of the box, header included."""
        return self.stop - self.start

    @property
    def body(self) -> int:
        """Return the offset of the first byte behind the header."""
        return self.start + self.header


@dataclass(frozen=True, slots=True)
class TopLevel:
    """The boxes of a file, in order.

    Attributes:
        boxes: every whole box, and the last one even if the file ends within it.
        truncated: the last box claims more bytes than the file has.
        tail: offset behind the last box; what lies between it and the end of the file is no box.
    """

    boxes: tuple[Box, ...]
    truncated: bool
    tail: int


def scan(file: BinaryIO, size: int) -> TopLevel:
    """Find the boxes of a file by reading their headers only.

    Args:
        file: open for reading in binary mode.
        size: bytes of the file.
    """
    boxes: list[Box] = []
    at = 0
    while at + 8 <= size and len(boxes) < MAX_TOP_LEVEL_BOXES:
        file.seek(at)
        box = _parse(file.read(16), 0, at, size)
        if box is None:
            break
        boxes.append(box)
        if box.stop > size:
            return TopLevel(tuple(boxes), True, size)
        at = box.stop
    return TopLevel(tuple(boxes), False, at)


def children(buffer: bytes, parent: Box) -> Iterator[Box]:
    """Yield the boxes inside a container box of a buffer.

    QuickTime ends some lists with a 32-bit zero instead of a box; fewer than 8 bytes at the end are such a
    terminator (QuickTime File Format, "User Data Atoms").

    Raises:
        Malformed: a child reaches beyond its parent.
    """
    yield from boxes_between(buffer, parent.body, parent.stop)


def boxes_between(buffer: bytes, start: int, stop: int) -> Iterator[Box]:
    """Yield the boxes of `buffer[start:stop]`; see `children`.

    Raises:
        Malformed: a box reaches beyond `stop`, or its size is smaller than its header.
    """
    at = start
    while at + 8 <= stop:
        if buffer[at : at + 8] == bytes(8):
            return
        box = _parse(buffer, at, at, stop)
        if box is None:
            raise Malformed(f"a box at offset {at} is smaller than its own header")
        if box.stop > stop:
            raise Malformed(f"box {quoted(box.kind)} claims {box.size} bytes where {stop - at} are left")
        yield box
        at = box.stop


def quoted(kind: bytes) -> str:
    """Return a four-character code for a message."""
    return repr(kind.decode("latin-1"))


Parts = tuple[bytes | memoryview, ...]
"""A box in pieces, to be joined once: a movie box of megabytes is rebuilt level by level."""


def box_parts(kind: bytes, *body: bytes | memoryview) -> Parts:
    """Return a box with its header, in pieces.

    Raises:
        Malformed: the body is too large for a 32-bit size.
    """
    size = 8 + sum(len(part) for part in body)
    if size > 0xFFFFFFFF:
        raise Malformed(f"box {quoted(kind)} would have {size} bytes")
    return (struct.pack(">I4s", size, kind), *body)


def box_bytes(kind: bytes, body: bytes) -> bytes:
    """Return a box with its header.

    Raises:
        Malformed: as box_parts.
    """
    return b"".join(box_parts(kind, body))


def _parse(buffer: bytes, offset: int, start: int, limit: int) -> Box | None:
    """Read the header at buffer[offset], which lies at `start`; None where there is no header."""
    if len(buffer) - offset < 8:
        return None
    size, kind = struct.unpack_from(">I4s", buffer, offset)
    if size == 1:
        if len(buffer) - offset < 16:
            return None
        (size,) = struct.unpack_from(">Q", buffer, offset + 8)
        return Box(kind, start, 16, start + size) if size >= 16 else None
    if size == 0:
        return Box(kind, start, 8, limit, open_ended=True)
    return Box(kind, start, 8, start + size) if size >= 8 else None
