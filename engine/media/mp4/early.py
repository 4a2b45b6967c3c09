"""A copy of a source that is made while the samples that are to go into it are still being encoded.

It is a guess at what the patch will ask for, and thrown away where it guessed wrong.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Event, Thread

from engine.control import CancelToken
from engine.media.mp4 import layout as layouts
from engine.media.mp4.copying import CopyMethod, Piece, copy_pieces
from engine.media.mp4.edit import CannotPatch
from engine.media.mp4.header import bare_size
from engine.media.mp4.layout import Layout
from engine.media.mp4.movie import Movie, check_unchanged


@contextmanager
def copied_early(movie: Movie, target: Path) -> Iterator[EarlyCopy | None]:
    """Copy a source to `target`, which must not exist, on a thread of its own; None where that is not worth it.

    At the end of the `with` nothing writes to the target any more. Whoever does not take the copy removes it.
    """
    layout = first_layout(movie)
    if movie.size < layouts.SECOND_SLOT_FROM or isinstance(layout, CannotPatch):
        yield None
        return
    copy = EarlyCopy(movie, layout.pieces, target)
    copy.start()
    try:
        yield copy
    finally:
        copy.stop()


def first_layout(movie: Movie) -> Layout | CannotPatch:
    """Return the layout that a patch tries first: it holds unless much of the source is left out."""
    return layouts.front(movie, bare_size(movie.moov), ()) if layouts.wants_front(movie) else layouts.end(movie, ())


class EarlyCopy:
    """A copy that is on its way; made by `copied_early`."""

    def __init__(self, movie: Movie, pieces: tuple[Piece, ...], target: Path) -> None:
        self.pieces = pieces
        self._movie = movie
        self._target = target
        self._cancel = CancelToken()
        self._done = Event()
        self._method = CopyMethod.COPIED
        self._error: BaseException | None = None

    def start(self) -> None:
        """Begin to copy."""
        Thread(target=self._run, name="early copy", daemon=True).start()

    def taken(self) -> CopyMethod:
        """Wait for the last byte; say how they came there.

        Raises:
            SourceChanged: the source is not as it was when its header was read.
            OSError: the system refused.
        """
        self._done.wait()
        if self._error is not None:
            raise self._error
        return self._method

    def stop(self) -> None:
        """End the copy, finished or not."""
        self._cancel.cancel()
        self._done.wait()

    def discard(self) -> None:
        """End the copy and remove it."""
        self.stop()
        with suppress(OSError):
            self._target.unlink()

    def _run(self) -> None:
        try:
            with self._movie.path.open("rb", buffering=0) as source:
                check_unchanged(self._movie, source)
                self._method = copy_pieces(
                    self._movie.path, source, self._target, self.pieces, self._cancel, lambda _: None
                )
        except BaseException as error:  # told to whoever takes the copy
            self._error = error
        finally:
            self._done.set()
        if self._error is None:
            self._begin_sync()

    def _begin_sync(self) -> None:
        """Send the bytes to the disk while others are encoded; the file is synced as a whole before it is renamed."""
        with suppress(OSError), self._target.open("rb") as file:
            os.fsync(file.fileno())
