"""Put the index of an MP4 in front of its samples, so that it plays while it still loads. Not a sample is changed."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path

from engine.control import CancelToken
from engine.errors import DamagedMedia
from engine.media.mp4.boxes import Box, Malformed, boxes_between, children, scan
from engine.media.mp4.copying import Piece, copy_piece, storage_error, write_all

_PATH = (b"trak", b"mdia", b"minf", b"stbl")
_LARGEST = 1 << 32


def index_first(source: Path, target: Path, cancel: CancelToken) -> bool:
    """Write a copy of a film with its `moov` box right behind `ftyp`; return whether there was anything to do.

    Args:
        source: a finished MP4 or MOV.
        target: written where the index stood behind the samples; else not made.
        cancel: looked at between pieces.

    Raises:
        DamagedMedia: it is no such file. NoSpace, StorageError: the target cannot be written.
        Cancelled: on request.
    """
    try:
        with source.open("rb", buffering=0) as file:
            boxes = scan(file, source.stat().st_size).boxes
            kinds = [box.kind for box in boxes]
            if kinds[:1] != [b"ftyp"] or b"moov" not in kinds or b"mdat" not in kinds:
                raise DamagedMedia(f"{source} is no film whose index can be moved")
            moov = boxes[kinds.index(b"moov")]
            if moov.start < boxes[kinds.index(b"mdat")].start:
                return False
            file.seek(moov.start)
            index = bytearray(file.read(moov.size))
            # What stands between `ftyp` and the index moves back by the length of it (ISO/IEC 14496-12, 8.7.5).
            for table in _chunk_tables(bytes(index), Box(b"moov", 0, moov.header, moov.size)):
                _shift(index, table, moov.size, moov.start)
            ftyp = boxes[0]
            with target.open("xb", buffering=0) as out:
                file.seek(0)
                write_all(out, file.read(ftyp.stop))
                write_all(out, bytes(index))
                at = out.tell()
                rest = Piece(ftyp.stop, moov.start, at), Piece(moov.stop, boxes[-1].stop, at + moov.start - ftyp.stop)
                for piece in rest:
                    if piece.size:
                        copy_piece(file, out, piece, cancel, lambda _: None)
    except Malformed as error:
        raise DamagedMedia(f"{source} has a damaged index: {error}") from error
    except OSError as error:
        raise storage_error(target, error) from error
    return True


def _chunk_tables(index: bytes, moov: Box) -> Iterator[Box]:
    level = [moov]
    for kind in _PATH:
        level = [box for parent in level for box in children(index, parent) if box.kind == kind]
    for stbl in level:
        yield from (box for box in boxes_between(index, stbl.body, stbl.stop) if box.kind in (b"stco", b"co64"))


def _shift(index: bytearray, table: Box, by: int, below: int) -> None:
    """Add to the chunk offsets of a table that lie below a bound."""
    code, width = (">I", 4) if table.kind == b"stco" else (">Q", 8)
    (count,) = struct.unpack_from(">I", index, table.body + 4)
    if table.body + 8 + count * width > table.stop:
        raise Malformed(f"the table at {table.start} claims {count} chunks")
    for at in range(table.body + 8, table.body + 8 + count * width, width):
        (offset,) = struct.unpack_from(code, index, at)
        if offset < below:
            if width == 4 and offset + by >= _LARGEST:
                raise Malformed("its chunks would lie beyond 4 GB")
            struct.pack_into(code, index, at, offset + by)
