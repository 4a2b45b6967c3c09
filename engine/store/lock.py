"""One writer per project file: a lock that the system drops by itself when its holder dies."""

from __future__ import annotations

import errno
import os
import sys
from pathlib import Path

from engine.errors import ProjectBusy, StorageError

_FAR = 1 << 62
"""Beyond any page: on Windows a locked byte cannot be read by others."""


class WriterLock:
    """The right to write one file, held from construction to `release`.

    It is of another kind than SQLite's own locks (flock against fcntl), so the two do not meet. The file must not be
    opened and closed by other means in this process while a transaction runs: that would drop SQLite's locks.
    """

    def __init__(self, path: Path) -> None:
        try:
            self._descriptor = os.open(path, os.O_RDWR | getattr(os, "O_BINARY", 0))
        except OSError as error:
            raise StorageError(f"{path} cannot be opened for writing: {error.strerror}") from error
        try:
            self._take(path)
        except BaseException:
            os.close(self._descriptor)
            raise

    def _take(self, path: Path) -> None:
        try:
            if sys.platform == "win32":
                import msvcrt

                os.lseek(self._descriptor, _FAR, os.SEEK_SET)
                msvcrt.locking(self._descriptor, msvcrt.LK_NBLCK, 1)
            else:
                import fcntl

                fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno in (errno.EWOULDBLOCK, errno.EACCES, errno.EDEADLK):
                raise ProjectBusy(f"{path} is open for writing in another window or program; close it there") from error
            # Some network folders know no such lock: the journal's head, compared at each commit, is a second guard.

    def release(self) -> None:
        """Give the right back."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1
