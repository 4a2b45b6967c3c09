"""Bytes from one file to another by the cheapest way the system offers; nothing passes through memory as a whole.

A clone shares its blocks with the original until one of them is written (btrfs, XFS, APFS ...); else the kernel copies;
else this process does.
"""

from __future__ import annotations

import ctypes
import ctypes.util
import errno
import os
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import BinaryIO

from engine.control import CancelToken
from engine.errors import NoSpace, SourceChanged, StorageError

KERNEL_STEP = 32 << 20
"""Bytes copied between two looks at the cancel token."""

BUFFER = 4 << 20

_FICLONE = 0x40049409
"""ioctl_ficlone(2)."""

_FULL = (errno.ENOSPC, errno.EDQUOT)


class CopyMethod(Enum):
    """How the source's bytes came into the new file."""

    CLONED = "cloned"
    COPIED = "copied"
    IN_PLACE = "in place"


@dataclass(frozen=True, slots=True)
class Piece:
    """Bytes [start, stop) of the source, which stand at `target` in the new file."""

    start: int
    stop: int
    target: int

    @property
    def size(self) -> int:
        """Return the number of bytes."""
        return self.stop - self.start


def storage_error(path: Path, error: OSError) -> StorageError:
    """Return our error for one that the system raised while a file was written."""
    if error.errno in _FULL:
        return NoSpace(f"the disk is full: {path} could not be written; free some space or choose another folder")
    return StorageError(f"{path} could not be written: {error.strerror or error}; choose another folder")


def clone(source: Path, target: Path) -> bool:
    """Create `target` as a clone of `source`; return whether the file system could. `target` must not exist."""
    if sys.platform == "darwin":
        return _clonefile(source, target)
    if not sys.platform.startswith("linux"):
        return False
    return _ficlone(source, target)


def copy_pieces(
    path: Path,
    source: BinaryIO,
    target: Path,
    pieces: tuple[Piece, ...],
    cancel: CancelToken,
    copied: Callable[[int], None],
) -> CopyMethod:
    """Copy pieces of a source to where they belong in a new file, or share them.

    Raises:
        SourceChanged, OSError, Cancelled: as copy_piece.
    """
    if len(pieces) == 1 and pieces[0].target == 0 and clone(path, target):
        return CopyMethod.CLONED
    with target.open("xb", buffering=0) as file:
        for piece in pieces:
            copy_piece(source, file, piece, cancel, copied)
    return CopyMethod.COPIED


def copy_piece(
    source: BinaryIO, target: BinaryIO, piece: Piece, cancel: CancelToken, copied: Callable[[int], None]
) -> None:
    """Copy a piece; `copied` is told the bytes of each step.

    Args:
        source: open for reading, unbuffered.
        target: open for writing, unbuffered.
        piece: what to copy, and where to.
        cancel: looked at between steps.
        copied: called with the number of bytes of each step.

    Raises:
        SourceChanged: the source is shorter than it was.
        OSError: the system refused.
        Cancelled: on request.
    """
    done = 0
    while hasattr(os, "copy_file_range") and done < piece.size:
        cancel.check()
        try:
            step = os.copy_file_range(
                source.fileno(),
                target.fileno(),
                _aligned_step(piece, done),
                piece.start + done,
                piece.target + done,
            )
        except OSError as error:
            if error.errno in (*_FULL, errno.EFBIG, errno.EIO):
                raise
            # Two file systems, or one that knows no such call: the bytes go through this process.
            break
        if not step:
            break
        done += step
        copied(step)
    source.seek(piece.start + done)
    target.seek(piece.target + done)
    while done < piece.size:
        cancel.check()
        block = source.read(min(BUFFER, piece.size - done))
        if not block:
            raise SourceChanged(f"{source.name} became shorter while it was copied; start the export again")
        write_all(target, block)
        done += len(block)
        copied(len(block))


def write_all(file: BinaryIO, data: bytes | memoryview) -> None:
    """Write all of `data` at the file's position, however many calls it takes."""
    view = memoryview(data)
    while view:
        view = view[file.write(view) :]


def _aligned_step(piece: Piece, done: int) -> int:
    """Return how much to copy next.

    Whole blocks can be shared instead of copied where both offsets are multiples of the block size, so the first step
    ends at one.
    """
    into_block = (piece.start + done) % 4096
    if into_block and (piece.start - piece.target) % 4096 == 0:
        return min(4096 - into_block, piece.size - done)
    return min(KERNEL_STEP, piece.size - done)


def _ficlone(source: Path, target: Path) -> bool:
    import fcntl

    with source.open("rb") as original, target.open("xb") as copy:
        try:
            fcntl.ioctl(copy.fileno(), _FICLONE, original.fileno())
        except OSError:
            pass
        else:
            return True
    with suppress(OSError):
        target.unlink()
    return False


def _clonefile(source: Path, target: Path) -> bool:
    library = ctypes.CDLL(ctypes.util.find_library("c"), use_errno=True)
    try:
        call = library.clonefile
    except AttributeError:
        return False
    call.argtypes = [ctypes.c_char_p, ctypes.c_char_p, ctypes.c_uint32]
    return int(call(os.fsencode(source), os.fsencode(target), 0)) == 0
