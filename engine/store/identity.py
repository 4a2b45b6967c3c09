"""Which file a file is: at once by size and time, for certain by its whole content."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

from engine.control import CancelToken, Progress
from engine.errors import MediaError, MissingMedia, SourceChanged

BLOCK = 1 << 20


@dataclass(frozen=True, slots=True)
class FileIdentity:
    """What the file system says of a file: bytes, and nanoseconds since 1970 of its last change."""

    size: int
    mtime_ns: int


def quick_identity(path: Path) -> FileIdentity:
    """Return a file's size and time of change.

    Raises:
        MissingMedia: there is no such file. MediaError: it cannot be looked at, or is no file.
    """
    try:
        status = path.stat()
    except (FileNotFoundError, NotADirectoryError) as error:
        raise MissingMedia(f"{path} is not there; put it back, or relink it") from error
    except (OSError, ValueError) as error:
        raise MediaError(f"{path} cannot be read: {error}") from error
    if not path.is_file():
        raise MediaError(f"{path} is no file")
    return FileIdentity(status.st_size, status.st_mtime_ns)


def content_hash(path: Path, progress: Progress | None = None, cancel: CancelToken | None = None) -> str:
    """Return the digest of all of a file's bytes (BLAKE2b-256, hex).

    All of it: a hash of head and tail misses a change in the middle.

    Raises:
        MissingMedia: there is no such file. MediaError: it cannot be read. SourceChanged: it changed meanwhile.
        Cancelled: on request.
    """
    before = quick_identity(path)
    digest = hashlib.blake2b(digest_size=32)
    done = 0
    try:
        with path.open("rb", buffering=0) as file:
            if hasattr(os, "posix_fadvise"):
                os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_SEQUENTIAL)
            while block := file.read(BLOCK):
                if cancel is not None:
                    cancel.check()
                digest.update(block)
                done += len(block)
                if progress is not None:
                    progress.report(f"Checking {path.name}", done / max(1, before.size))
    except OSError as error:
        raise MediaError(f"{path} cannot be read: {error}") from error
    if quick_identity(path) != before or done != before.size:
        raise SourceChanged(f"{path} changed while it was read; wait until it is complete")
    return digest.hexdigest()
