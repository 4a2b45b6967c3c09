"""EBML elements: reading and writing them (RFC 8794). What they mean is for others."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from mmap import mmap

Buffer = bytes | bytearray | mmap

CRC_32 = 0xBF
VOID = 0xEC
LONGEST_HEADER = 12


class MalformedEbml(Exception):
    """The bytes are no EBML; a signal inside this package."""


@dataclass(frozen=True, slots=True)
class Element:
    """An element's place in a buffer.

    Attributes:
        id: with its length marker, as in the specification.
        start, body, stop: offsets of the first byte, of the content, and behind it.
        sized: False where the size is unknown (RFC 8794 6.2): the content then ends where no child follows.
    """

    id: int
    start: int
    body: int
    stop: int
    sized: bool = True

    @property
    def size_width(self) -> int:
        """Return the number of bytes of the size field."""
        return self.body - self.start - id_width(self.id)


def id_width(element_id: int) -> int:
    """Return the number of bytes of an ID."""
    return (element_id.bit_length() + 7) // 8


def read_element(data: Buffer, at: int, limit: int) -> Element:
    """Read an element's header; its end is cut at `limit`.

    Raises:
        MalformedEbml: no header stands there.
    """
    width = _width(data, at, limit, 4)
    element_id = int.from_bytes(data[at : at + width], "big")
    size_at = at + width
    size_width = _width(data, size_at, limit, 8)
    size = int.from_bytes(data[size_at : size_at + size_width], "big") & (1 << 7 * size_width) - 1
    body = size_at + size_width
    if size == (1 << 7 * size_width) - 1:
        return Element(element_id, at, body, limit, sized=False)
    return Element(element_id, at, body, min(limit, body + size))


def children(data: Buffer, start: int, stop: int) -> Iterator[Element]:
    """Yield the elements of [start, stop).

    Raises:
        MalformedEbml: something else stands there.
    """
    while start < stop:
        element = read_element(data, start, stop)
        yield element
        start = element.stop


def find(data: Buffer, parent: Element, element_id: int) -> Element | None:
    """Return the first child with an ID."""
    return next((child for child in children(data, parent.body, parent.stop) if child.id == element_id), None)


def read_uint(data: Buffer, element: Element) -> int:
    """Return the content as an unsigned integer (RFC 8794 7.2)."""
    return int.from_bytes(data[element.body : element.stop], "big")


def read_vint(data: Buffer, at: int, limit: int) -> tuple[int, int]:
    """Return a variable-size integer without its marker, and its width."""
    width = _width(data, at, limit, 8)
    return int.from_bytes(data[at : at + width], "big") & (1 << 7 * width) - 1, width


def size_field(size: int, width: int = 0) -> bytes:
    """Return a size field of at least `width` bytes (RFC 8794 6); all ones is reserved."""
    needed = next(n for n in range(1, 9) if size < (1 << 7 * n) - 1)
    width = max(width, needed)
    return (size | 1 << 7 * width).to_bytes(width, "big")


def element(element_id: int, content: bytes, size_width: int = 0) -> bytes:
    """Return an element; `size_width` bytes of size field at least."""
    return element_id.to_bytes(id_width(element_id), "big") + size_field(len(content), size_width) + content


def uint(element_id: int, value: int, width: int = 0) -> bytes:
    """Return an unsigned integer element of at least `width` bytes."""
    return element(element_id, value.to_bytes(max(1, width, (value.bit_length() + 7) // 8), "big"))


def void(size: int) -> bytes:
    """Return a Void element of exactly `size` bytes, at least 2 (RFC 8794 11.3.2)."""
    if size < 2:
        raise ValueError(f"a Void element has at least 2 bytes, not {size}")
    width = 1 if size < 128 else 8
    return element(VOID, bytes(size - 1 - width), width)


def with_checksum(content: bytes) -> bytes:
    """Return a master element's content with its CRC-32 made right, where it begins with one (RFC 8794 11.3.1)."""
    if content[:2] != b"\xbf\x84":
        return content
    return content[:2] + zlib.crc32(content[6:]).to_bytes(4, "little") + content[6:]


def _width(data: Buffer, at: int, limit: int, longest: int) -> int:
    if at >= limit or not data[at]:
        raise MalformedEbml(f"no element at byte {at}")
    width = 9 - data[at].bit_length()
    if width > longest or at + width > limit:
        raise MalformedEbml(f"no element at byte {at}")
    return width
