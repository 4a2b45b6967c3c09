"""The small writes of an export: new samples, headers, wiped bytes."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import BinaryIO

import numpy as np

from engine.media.mp4.copying import write_all
from engine.media.mp4.record import Slot
from engine.media.mp4.tables import Int64
from engine.media.mp4.unused import Span

_ZEROS = bytes(1 << 20)


class Appendix:
    """An `mdat` box of new samples at the end of a file.

    It ends at a multiple of 8, so that the type of a header behind it lies within one disk sector.
    """

    def __init__(self, start: int, sizes: Int64) -> None:
        payload = int(sizes.sum())
        header = 8 if payload + 24 <= 0xFFFFFFFF else 16
        self.start = start
        self.stop = -(-(start + header + payload) // 8) * 8
        self.positions: Int64 = start + header + np.cumsum(sizes) - sizes
        self._header = header

    def write(self, file: BinaryIO, data: Sequence[bytes]) -> None:
        """Write the box with the samples' bytes."""
        size = self.stop - self.start
        file.seek(self.start)
        header = struct.pack(">I4sQ", 1, b"mdat", size) if self._header == 16 else struct.pack(">I4s", size, b"mdat")
        write_all(file, header)
        for sample in data:
            write_all(file, sample)
        write_all(file, bytes(self.stop - file.tell()))


def write_at(file: BinaryIO, offset: int, data: bytes) -> None:
    """Write bytes at an offset."""
    file.seek(offset)
    write_all(file, data)


def write_free(file: BinaryIO, slot: Slot) -> None:
    """Write the header of a `free` box as large as a slot; what is in it stays."""
    write_at(file, slot.start, struct.pack(">I4s", slot.size, b"free"))


def wipe(file: BinaryIO, spans: Sequence[Span]) -> None:
    """Write zeros over byte ranges."""
    for start, stop in spans:
        file.seek(start)
        for at in range(start, stop, len(_ZEROS)):
            write_all(file, memoryview(_ZEROS)[: stop - at])
