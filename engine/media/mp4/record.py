"""The note that an export carries about itself, so that a later export can build on it.

It is a `uuid` box in the movie box, behind everything but padding (ISO/IEC 14496-12, 11.1: readers skip what they do
not know)::

    16 bytes  the box's UUID            8  bytes of the file when the export was finished
     4        version, 1                8  where the source's own bytes end in this file
    32        digest of the movie box   8  offset in the source from which on its bytes stand elsewhere ...
    32        digest of the source      8  ... and how much further on they stand
     4        the edited track       2x16  start and size of the places reserved for a movie box

The digest of the movie box is taken with its own field zeroed. Any tool that changes the tables or the metadata breaks
it, and a remux drops the box, so an export that still carries a true note holds the source's bytes where it says.
Which samples are not the source's follows from the tables themselves: those that lie behind the source's bytes.
"""

from __future__ import annotations

import hashlib
import struct
from dataclasses import dataclass

from engine.media.mp4.boxes import Box, Malformed, Parts, box_bytes, children
from engine.media.mp4.movie import Movie, root_box

UUID = bytes.fromhex("8d9e0c4b6f1a4a5bb0d2de17ac07f11e")
VERSION = 1
_FORMAT = struct.Struct(">16sI32s32sI3Qq4Q")
_DIGEST_AT = 8 + 16 + 4
"""Offset of the digest in the box."""

SIZE = 8 + _FORMAT.size
"""Bytes of the box."""


@dataclass(frozen=True, slots=True)
class Slot:
    """A place in a file that holds a movie box, or is kept free for one."""

    start: int
    size: int

    @property
    def stop(self) -> int:
        """Return the offset behind the place."""
        return self.start + self.size


@dataclass(frozen=True, slots=True)
class Record:
    """What an export says of itself.

    Attributes:
        source: digest of the source's identity, see `source_digest`.
        track_id: the edited track.
        file_size: bytes of the finished file; what lies behind is left over from an export that did not finish.
        base_stop: offset behind the source's own bytes; new samples lie behind it.
        moved_from: offset in the source from which on its bytes stand elsewhere in this file.
        moved_by: how many bytes further on they stand.
        slots: where the movie box is and, if there is room, where the next one can go.
    """

    source: bytes
    track_id: int
    file_size: int
    base_stop: int
    moved_from: int
    moved_by: int
    slots: tuple[Slot, ...]

    def box(self, digest: bytes = bytes(32)) -> bytes:
        """Return the box with a digest of the movie box, which is zero while that is taken."""
        places = [number for slot in (*self.slots, Slot(0, 0), Slot(0, 0))[:2] for number in (slot.start, slot.size)]
        numbers = (self.file_size, self.base_stop, self.moved_from, self.moved_by, *places)
        return box_bytes(b"uuid", _FORMAT.pack(UUID, VERSION, digest, self.source, self.track_id, *numbers))

    def sealed_box(self, moov: Parts) -> bytes:
        """Return the box with the digest of a movie box that has this record without it."""
        digest = hashlib.blake2b(digest_size=32)
        for part in moov:
            digest.update(part)
        return self.box(digest.digest())


def source_digest(source: Movie, identity: bytes) -> bytes:
    """Return 32 bytes that stand for a source: the caller's identity of it, its size and its movie box."""
    digest = hashlib.blake2b(digest_size=32)
    for part in (identity, source.size.to_bytes(8, "big"), source.moov):
        digest.update(len(part).to_bytes(8, "big"))
        digest.update(part)
    return digest.digest()


def read_record(movie: Movie) -> Record | None:
    """Return the record of an export, None where the file has none or was changed since."""
    try:
        box = _find(movie.moov)
    except Malformed:
        return None
    if box is None or box.size != SIZE:
        return None
    _, version, digest, source, track_id, *numbers = _FORMAT.unpack_from(movie.moov, box.body)
    if version != VERSION or digest != _digest(movie.moov, box.start + _DIGEST_AT):
        return None
    file_size, base_stop, moved_from, moved_by, *places = numbers
    slots = tuple(Slot(start, size) for start, size in (places[:2], places[2:]) if size)
    return Record(source, track_id, file_size, base_stop, moved_from, moved_by, slots)


def is_record(moov: bytes, box: Box) -> bool:
    """Tell whether a box inside a movie box is a record."""
    return box.kind == b"uuid" and moov[box.body : box.body + 16] == UUID


def _find(moov: bytes) -> Box | None:
    return next((box for box in children(moov, root_box(moov)) if is_record(moov, box)), None)


def _digest(moov: bytes, at: int) -> bytes:
    view = memoryview(moov)
    digest = hashlib.blake2b(view[:at], digest_size=32)
    digest.update(bytes(32))
    digest.update(view[at + 32 :])
    return digest.digest()
